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

// sessionOf returns the session's id that a request has in its cookie, empty if none.
func (g *Gate) sessionOf(r *http.Request) string {
	c, err := r.Cookie(cookieName(r, g.Client(r).Secure))
	if err != nil {
		return ""
	}
	return c.Value
}

// Login checks a user's password, and begins a session. The cookie is to be set; errors are as Identify has them.
func (g *Gate) Login(r *http.Request, user, password string) (*http.Cookie, Grant, error) {
	client := g.Client(r)
	u, err := g.check(client, user, password)
	if err != nil {
		return nil, Grant{}, err
	}
	if old := g.sessionOf(r); old != "" {
		g.o.Sessions.end(old)
	}
	id, s := g.o.Sessions.begin(u.Name, u.print)
	c := cookie(r, client.Secure, id)
	c.Expires = s.until
	return c, u.during(s), nil
}

// Logout ends the request's session, for whoever may have a copy of the cookie too, and returns the cookie to set, which
// removes it.
func (g *Gate) Logout(r *http.Request) *http.Cookie {
	if id := g.sessionOf(r); id != "" {
		g.o.Sessions.end(id)
	}
	return cookie(r, g.Client(r).Secure, "")
}
