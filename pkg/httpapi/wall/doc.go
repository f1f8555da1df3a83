// Package wall sends the live video or the newest pictures of many cameras over one WebSocket, as fast as the client acknowledges them.
// docs/protocol.md describes the messages.
//
// On HTTP/1.1 a browser opens at most six connections to a host, and every stream keeps one. A wall needs one connection for all cameras.
// A [Server] admits clients and counts them as viewers; a session serves one client.
//
// One goroutine owns the state of a session. It looks for frames of all cameras at an interval, and hands them to the kernel in one write. A
// second goroutine reads the client's requests, and a third one sends pings.
//
// Each camera of a session has a stream: frames of one track with one configuration. The choice of the track depends on the view, on what
// the client decodes, and on what the connection carries. The client acknowledges frames, so that a slow one gets fewer frames and never
// much older ones. Cameras take turns, so that large frames of one camera do not delay the others.
package wall
