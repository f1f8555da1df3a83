// Package wall sends the newest pictures of many cameras over one WebSocket, as fast as its client says that it has taken
// them.
//
// A browser has six connections to a host on HTTP/1.1, and every MJPEG stream keeps one. A wall of cameras has one for all.
// docs/protocol.md describes the messages. Server admits clients and counts them as viewers; a session speaks with one client.
//
// Of each camera at most two pictures are on their way that the client has not acknowledged; then that camera waits, and
// goes on with its newest picture. A slow client gets fewer pictures, never older ones, and cameras take turns, so that one
// with large pictures does not keep another from its own.
package wall
