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
	"camd/pkg/httpapi/web"
)

// Roles of routes, in addition to those of package access.
const (
	publicRole access.Role = ""
	anyRole    access.Role = "known" // any role
)

// openAuthenticator returns an authenticator that gives everyone full access.
func openAuthenticator() *access.Authenticator {
	return access.New(access.Options{Anonymous: access.Permission{Role: access.Admin}})
}

// requireRole passes on requests whose grant has the role at some camera. next checks at which.
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
func (s *Server) failForbidden(w http.ResponseWriter, r *http.Request, g access.Grant, role access.Role) {
	page := web.ErrorPage{Title: "Not allowed", Message: fmt.Sprintf("You need the role %s to open this page. You use camd as %s.", role, g.Identity)}
	if g.Kind != access.ByLink && s.config.Load().Auth.HasLogin() {
		page.LogIn = "/login?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
	}
	s.fail(w, r, request.Errorf(http.StatusForbidden, "%s is not allowed to do this: the role %s is needed", g.Identity, role), page)
}

// refuse answers an unauthenticated request. It redirects browsers to the login page and sends programs a challenge.
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
			query.Set("ended", "link") // the login page then explains why the link does not work
		}
		seeOther(w, "/login?"+query.Encode())
		return
	}
	// At a Basic challenge, a browser opens its own password dialog, even for a script of a page or the picture of an expired link.
	if auth.HasLogin() && r.Header.Get("X-Requested-With") == "" && !r.URL.Query().Has(access.LinkParameter) {
		w.Header().Add("WWW-Authenticate", `Basic realm="camd", charset="UTF-8"`)
	} else {
		w.Header().Add("WWW-Authenticate", `Bearer realm="camd"`)
	}
	switch {
	case errors.Is(err, access.ErrExpired):
		request.Fail(w, r, http.StatusUnauthorized, "this link has expired or was revoked: ask for a new link")
	case errors.Is(err, access.ErrWrongCredentials):
		request.Fail(w, r, http.StatusUnauthorized, "the user name, password, token or link is wrong")
	default:
		request.Fail(w, r, http.StatusUnauthorized, "authentication is required: send a user name and password (HTTP Basic) or a token (Authorization: Bearer), or use a link")
	}
}

// wantsHTML reports whether a browser requests a page to show in its window.
func wantsHTML(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// withoutLink returns the URL of a request without the signature of a link.
func withoutLink(u *url.URL) string {
	query := u.Query()
	if query.Has(access.LinkParameter) {
		query.Del(access.LinkParameter)
		u = &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: query.Encode()}
	}
	return u.RequestURI()
}
