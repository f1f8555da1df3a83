// Package wall sends the newest pictures of many cameras over one WebSocket, as fast as the client acknowledges them. docs/protocol.md
// describes the messages.
//
// On HTTP/1.1 a browser opens at most six connections to a host, and every MJPEG stream keeps one. A wall needs one connection for all
// cameras. A [Server] admits clients and counts them as viewers; a session serves one client.
//
// At most two pictures of each camera are unacknowledged. Then that camera waits, and continues with its newest picture. A slow client
// gets fewer pictures, never older ones. Cameras take turns, so that large pictures of one camera do not delay the others.
package wall
