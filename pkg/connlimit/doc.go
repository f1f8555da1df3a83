// Package connlimit limits how many connections are open at once, in total and from one address.
//
// A [Limiter] guards any number of listeners, which share its limits. At a limit, a new connection replaces the connection that
// has been idle longest. Idle means that no request is being answered: the client has sent nothing yet, or half a request, or the
// connection is kept alive. Clients that only hold connections open therefore keep no other client out.
//
// If all connections are busy, the new one is refused. Over plain HTTP it gets a 503 with Retry-After. Over TLS it gets an alert,
// because an answer would need a handshake.
//
// The server must report with [Limiter.MarkBusy] and [Limiter.MarkIdle] what each connection is doing. Accepting never waits for a
// client. A plain stream is written directly to its socket, so the limiter costs nothing for each picture.
//
// A client that sends much more than any use of camd needs is read slowly. That delays this client only.
package connlimit
