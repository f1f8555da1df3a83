package access

import (
	"net"
	"net/http"
)

// cookieName is what a session's cookie is called. Cookies do not know ports: without one in their name, two camds on one host
// would take each other's away. A browser takes __Host- from nobody but this very host, by TLS.
func cookieName(r *http.Request, secure bool) string {
	name := "camd"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		name += "-" + port
	}
	if secure {
		return "__Host-" + name
	}
	return name
}

// cookie makes the one that names a session. It lives as long as the browser's window, and the session at most as long as
// Sessions says.
func cookie(r *http.Request, secure bool, id string) *http.Cookie {
	c := &http.Cookie{Name: cookieName(r, secure), Value: id, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	if id == "" {
		c.MaxAge = -1
	}
	return c
}

// sessionID returns the session's id that a request has in its cookie, empty if none.
func (a *Authenticator) sessionID(r *http.Request) string {
	c, err := r.Cookie(cookieName(r, a.Client(r).Secure))
	if err != nil {
		return ""
	}
	return c.Value
}

// Login checks a user's password, and begins a session. The cookie is to be set; errors are as Identify has them.
func (a *Authenticator) Login(r *http.Request, user, password string) (*http.Cookie, Grant, error) {
	client := a.Client(r)
	u, err := a.verifyPassword(client, user, password)
	if err != nil {
		return nil, Grant{}, err
	}
	if old := a.sessionID(r); old != "" {
		a.options.Sessions.end(old)
	}
	id, s := a.options.Sessions.create(u.Name, u.fingerprint)
	c := cookie(r, client.Secure, id)
	c.Expires = s.expiresAt
	return c, u.sessionGrant(s), nil
}

// Logout ends the request's session, for whoever may have a copy of the cookie too, and returns the cookie to set, which
// removes it.
func (a *Authenticator) Logout(r *http.Request) *http.Cookie {
	if id := a.sessionID(r); id != "" {
		a.options.Sessions.end(id)
	}
	return cookie(r, a.Client(r).Secure, "")
}
