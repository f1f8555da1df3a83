// Package connlimit limits the connections that are open at once: in total, and from one address.
//
// A [Limiter] guards any number of listeners, which share its limits. A connection beyond them replaces the
// connection that has been idle longest: one that has sent nothing yet, or half a request, or
// that is kept for a next request. So connections that are merely held open keep nobody out. Where every connection is busy
// the new one is refused: over plain HTTP with 503 and Retry-After, over TLS, where an answer would cost a handshake,
// with an alert.
//
// Its user reports with [Limiter.Busy] and [Limiter.Idle] what a connection is doing. Accepting never waits for a client, and
// nothing here costs anything for each picture of a plain stream, which goes past it.
//
// A client that says more over a connection than any use of camd needs is read slowly. That delays this client alone.
package connlimit
