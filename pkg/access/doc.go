// Package access decides who may see and do what.
//
// A [Authenticator] identifies a request: it gives its [Grant], or says why there is none. A grant says what its holder may do: a [Role] at
// the cameras of a [Scope]. The package knows cameras by their names alone, and nothing of pages and routes.
//
// # Who is asked first
//
// A bearer token, HTTP Basic, a session's cookie, a link's signature in the query, the header of a proxy that vouches for
// somebody, and then whatever everybody may. Credentials that are given and wrong are refused, and nothing behind them is looked
// at; a session that has ended or a link that has expired leaves what everybody may. A link goes before a session that does not see
// its camera.
//
// # What a reload keeps
//
// An authenticator never changes. A reload makes another one, and gets the [Sessions] and the [LoginLimiter] of the one before.
// [Authenticator.Renew] says what somebody whom an earlier authenticator accepted may do now.
//
// # What is kept of secrets
//
// Passwords are known by hashes that cost time (argon2id, bcrypt), tokens, which nobody can guess, by SHA-256, sessions by
// SHA-256 of the cookie. No error shows any of them. Who guesses at a name learns nothing from how long an answer takes, is
// slowed, and locks nobody out: see [LoginLimiter].
package access
