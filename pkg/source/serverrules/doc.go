// Package serverrules holds what all readers of network sources share: which servers a source may use, how their certificates are verified,
// how camd logs in, and how its failures are explained.
//
// A camera may redirect to any host, and a playlist may name any address. A source may use its own host, and the hosts that the
// configuration names. Only the source's own server gets the password.
package serverrules
