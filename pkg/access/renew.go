package access

import (
	"strings"
	"time"
)

// Renew returns what the holder of a grant may by this gate, which may be another than let him in; ok is false if nothing: a user
// has gone or has another password, a session was ended, a token or a key is not in force, a time has passed.
func (g *Gate) Renew(old Grant) (now Grant, ok bool) {
	if !old.Until.IsZero() && !time.Now().Before(old.Until) {
		return Grant{}, false
	}
	switch old.Kind {
	case ByBasic, BySession:
		u, is := g.users[old.name]
		now, ok = u.grant(old.Kind), is && u.print == old.print
		if old.Kind == BySession && ok {
			_, ok = g.o.Sessions.touch(old.session) // who watches uses it
		}
	case ByToken:
		t, is := g.tokens[old.print]
		now, ok = t.grant(), is
	case ByLink:
		now, ok = old, old.print == g.linkPrint && g.HasLinks()
	case ByProxy:
		now, ok = g.vouched(old.name)
		ok = ok && g.o.ForwardAuth.Header != ""
	case ByNothing:
		now, ok = old, g.o.Anonymous.Role != ""
		now.allowance = g.o.Anonymous
	}
	now.Until, now.session, now.bound = old.Until, old.session, nil
	if !ok {
		return Grant{}, false
	}
	return g.bound(now)
}

// Settle ends the sessions of users who are gone or have another password. It is for when the gate has taken another's place.
func (g *Gate) Settle() {
	g.o.Sessions.retain(func(user string, print [32]byte) bool {
		u, ok := g.users[user]
		return ok && u.print == print
	})
}

// escaped is the pattern that a text alone matches.
func escaped(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}
