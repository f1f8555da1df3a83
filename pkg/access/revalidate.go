package access

import (
	"strings"
	"time"
)

// Revalidate returns what the holder of a grant may do now. The grant may be one of an earlier authenticator. ok is false if the
// holder may do nothing any more:
//
//   - the grant has expired,
//   - its user was removed or has another password,
//   - its session has ended,
//   - its token or link key was removed,
//   - anonymous access or the proxy's header is no longer accepted.
//
// It counts as use of a session, so that a viewer's session does not end as idle.
func (a *Authenticator) Revalidate(grant Grant) (renewed Grant, ok bool) {
	if !grant.ExpiresAt.IsZero() && !time.Now().Before(grant.ExpiresAt) {
		return Grant{}, false
	}
	switch grant.Kind {
	case ByPassword, BySession:
		u, exists := a.users[grant.name]
		renewed, ok = u.grant(grant.Kind), exists && u.fingerprint == grant.fingerprint
		if grant.Kind == BySession && ok {
			_, ok = a.options.Sessions.touch(grant.session) // a running stream is use of the session
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

// EndStaleSessions ends the sessions of users that were removed or have another password. Call it when the authenticator has
// replaced another one.
func (a *Authenticator) EndStaleSessions() {
	a.options.Sessions.retain(func(user string, fingerprint [32]byte) bool {
		u, ok := a.users[user]
		return ok && u.fingerprint == fingerprint
	})
}

// escapePattern returns the pattern of path.Match that matches only text.
func escapePattern(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}
