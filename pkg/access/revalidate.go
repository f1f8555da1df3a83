package access

import (
	"strings"
	"time"
)

// Revalidate returns what the holder of a grant may do according to this authenticator, which may not be the one that accepted it; ok is false if nothing: a user
// has gone or has another password, a session was ended, a token or a key is not in force, a time has passed.
func (a *Authenticator) Revalidate(grant Grant) (renewed Grant, ok bool) {
	if !grant.ExpiresAt.IsZero() && !time.Now().Before(grant.ExpiresAt) {
		return Grant{}, false
	}
	switch grant.Kind {
	case ByPassword, BySession:
		u, exists := a.users[grant.name]
		renewed, ok = u.grant(grant.Kind), exists && u.fingerprint == grant.fingerprint
		if grant.Kind == BySession && ok {
			_, ok = a.options.Sessions.touch(grant.session) // who watches uses it
		}
	case ByToken:
		t, exists := a.tokens[grant.fingerprint]
		renewed, ok = t.grant(), exists
	case ByLink:
		renewed, ok = grant, grant.fingerprint == a.linkKeyFingerprint && a.HasLinks()
	case ByProxy:
		renewed, ok = a.proxyGrant(grant.name)
		ok = ok && a.options.ForwardAuth.Header != ""
	case ByAnonymous:
		renewed, ok = grant, a.options.Anonymous.Role != ""
		renewed.permission = a.options.Anonymous
	}
	renewed.ExpiresAt, renewed.session, renewed.limit = grant.ExpiresAt, grant.session, nil
	if !ok {
		return Grant{}, false
	}
	return a.limitGrant(renewed)
}

// EndStaleSessions ends the sessions of users who are gone or have another password. It is for when the authenticator has replaced another one.
func (a *Authenticator) EndStaleSessions() {
	a.options.Sessions.retain(func(user string, fingerprint [32]byte) bool {
		u, ok := a.users[user]
		return ok && u.fingerprint == fingerprint
	})
}

// escapePattern is the pattern that a text alone matches.
func escapePattern(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}
