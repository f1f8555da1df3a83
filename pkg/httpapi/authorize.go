package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"camd/pkg/access"
	"camd/pkg/httpapi/request"
)

// Roles of routes beside those of package access.
const (
	publicRole access.Role = ""
	anyRole    access.Role = "known" // any role
)

// openAuthenticator gives everyone full access.
func openAuthenticator() *access.Authenticator {
	return access.New(access.Options{Anonymous: access.Permission{Role: access.Admin}})
}

// requireRole admits requests with the role at some camera. next checks at which.
func (s *Server) requireRole(role access.Role, next http.HandlerFunc) http.HandlerFunc {
	if role == publicRole {
		return next
	}
	return func(w http.ResponseWriter, r *http.Request) {
		auth := s.config.Load().Auth
		grant, err := auth.Identify(r)
		switch {
		case err != nil:
			s.logBadCredentials(r, auth, err)
			refuse(w, r, auth, err)
		case role == access.Metrics && !grant.Allows(role, ""):
			s.refuseForbidden(w, r, grant, role, "")
		case role != anyRole && !grant.HasRole(role):
			s.refuseForbidden(w, r, grant, role, "")
		default:
			next(w, request.WithRequester(r, request.Requester{Grant: grant, Client: auth.Client(r)}))
		}
	}
}

// failForbidden answers an authenticated requester without the role.
func failForbidden(w http.ResponseWriter, r *http.Request, g access.Grant, role access.Role) {
	request.Fail(w, r, http.StatusForbidden, fmt.Sprintf("%s may not do this; it takes the role %s", g.Identity, role))
}

// refuse answers an unauthenticated request: browsers are sent to the login page, programs get a challenge.
func refuse(w http.ResponseWriter, r *http.Request, auth *access.Authenticator, err error) {
	var later *access.RetryLaterError
	if errors.As(err, &later) {
		w.Header().Set("Retry-After", strconv.Itoa(later.Seconds()))
		request.Fail(w, r, http.StatusTooManyRequests, later.Error())
		return
	}
	if wantsHTML(r) && auth.HasLogin() {
		query := url.Values{"next": {withoutLink(r.URL)}}
		if errors.Is(err, access.ErrWrongCredentials) && r.Header.Get("Authorization") == "" {
			query.Set("ended", "link") // a person with a link alone has no name to log in with
		}
		seeOther(w, "/login?"+query.Encode())
		return
	}
	// A page's own script, and the picture of a link that has ended, would make a browser ask for a password in a window of its own.
	if auth.HasLogin() && r.Header.Get("X-Requested-With") == "" && !r.URL.Query().Has(access.LinkParameter) {
		w.Header().Add("WWW-Authenticate", `Basic realm="camd", charset="UTF-8"`)
	} else {
		w.Header().Add("WWW-Authenticate", `Bearer realm="camd"`)
	}
	switch {
	case errors.Is(err, access.ErrExpired):
		request.Fail(w, r, http.StatusUnauthorized, "this link has expired, or was taken back")
	case errors.Is(err, access.ErrWrongCredentials):
		request.Fail(w, r, http.StatusUnauthorized, "wrong name, password, token or link")
	default:
		request.Fail(w, r, http.StatusUnauthorized, "this takes a name and password (HTTP Basic), a token (Authorization: Bearer), or a link")
	}
}

// wantsHTML reports whether a browser asks for what it is to show in its window.
func wantsHTML(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// withoutLink is a request's address without what lets its holder in.
func withoutLink(u *url.URL) string {
	query := u.Query()
	if query.Has(access.LinkParameter) {
		query.Del(access.LinkParameter)
		u = &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: query.Encode()}
	}
	return u.RequestURI()
}
