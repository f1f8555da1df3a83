// Package turnstile lets connections in, as many as may be there at once: in all, and from one address.
//
// A [Turnstile] guards any number of listeners, which share its limits. Whoever comes beyond them takes the place of the
// connection that has gone longest without a request being answered: one that has said nothing yet, or half of something, or
// that is kept for a next request. So connections that are merely held open keep nobody out. Where every connection is at
// work, the new one is refused: over plain HTTP with 503 and Retry-After, over TLS, where an answer would cost a handshake,
// with an alert.
//
// Its user tells by [Turnstile.Busy] and [Turnstile.Idle] what a connection is doing. Accepting never waits for a client, and
// nothing here costs anything for each picture of a plain stream, which goes past it.
//
// A client that says more over a connection than any use of camd needs is heard slowly: the kernel holds it up, and nobody else.
package turnstile
