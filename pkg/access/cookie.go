package access

import (
	"net"
	"net/http"
)

// cookieName returns the name of the session cookie. It contains the port, because browsers share cookies between all ports of a
// host, and two camds would overwrite each other's. Browsers accept the prefix __Host- only from this host over TLS.
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

// cookie returns the session cookie with that id. An empty id makes the browser delete the cookie.
func cookie(r *http.Request, secure bool, id string) *http.Cookie {
	c := &http.Cookie{Name: cookieName(r, secure), Value: id, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	if id == "" {
		c.MaxAge = -1
	}
	return c
}

// sessionID returns the id in a request's session cookie; empty if there is none.
func (a *Authenticator) sessionID(r *http.Request) string {
	c, err := r.Cookie(cookieName(r, a.Client(r).Secure))
	if err != nil {
		return ""
	}
	return c.Value
}

// Login checks a user's password and creates a session, in place of one that the request has. The caller must set the returned
// cookie. Its error is one of those of Identify.
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

// Logout ends the request's session, so that copies of its cookie are void, too. The caller must set the returned cookie, which
// deletes the browser's.
func (a *Authenticator) Logout(r *http.Request) *http.Cookie {
	if id := a.sessionID(r); id != "" {
		a.options.Sessions.end(id)
	}
	return cookie(r, a.Client(r).Secure, "")
}
