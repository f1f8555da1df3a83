// Package access decides who may see and do what.
//
// An [Authenticator] identifies a request and returns its [Grant], or an error that says why there is none. A grant allows a
// [Role] at the cameras of a [Scope]. The package knows cameras by their ids only, and knows no pages or routes.
//
// # Order of credentials
//
// An authenticator tries these in order, and uses the first that applies:
//
//  1. a bearer token
//  2. HTTP Basic with a user's password
//  3. a link in the query, unless the session may see the link's camera, too
//  4. the cookie of a session
//  5. the header of a trusted proxy that names a user
//  6. [Options].Anonymous, the permission of everybody
//
// A wrong token or password is refused, and nothing after it is tried. An invalid or expired link or session is skipped.
//
// # What a reload keeps
//
// An authenticator never changes. A reload makes another one, with the [Sessions] and the [LoginLimiter] of the one before.
// [Authenticator.Revalidate] returns what the holder of an earlier grant may do now.
//
// # What is kept of secrets
//
// Passwords are kept as slow hashes (argon2id, bcrypt). Tokens and session cookies are random, and kept as SHA-256. No error
// shows any of them. The time of an answer does not show whether a user exists. Wrong passwords slow their senders down and lock
// nobody out: see [LoginLimiter].
package access
