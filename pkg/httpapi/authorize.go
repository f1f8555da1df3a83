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

// highestRole returns the highest role of a grant.
func highestRole(g access.Grant) access.Role {
	for _, role := range []access.Role{access.Admin, access.Control, access.View, access.Metrics} {
		if g.HasRole(role) {
			return role
		}
	}
	return publicRole
}

// visibleTo returns the cameras that somebody may know of, in their order.
func (r *activeConfig) visibleTo(g access.Grant) []string {
	var visible []string
	for _, id := range r.Order {
		if g.CanSee(id) {
			visible = append(visible, id)
		}
	}
	return visible
}

// findCamera returns a camera that somebody may know of, or says what an unknown one is told.
func (r *activeConfig) findCamera(id string, g access.Grant) (request.Target, *request.Error) {
	if _, ok := r.Cameras[id]; ok && g.CanSee(id) {
		return r.target(id), nil
	}
	message := fmt.Sprintf("no camera %q; none is configured", id)
	if visible := r.visibleTo(g); len(visible) > 0 {
		message = fmt.Sprintf("no camera %q; there are: %s", id, strings.Join(visible, ", "))
	}
	return request.Target{}, request.Errorf(http.StatusNotFound, "%s", message)
}

// target returns a camera of the configuration for a request.
func (r *activeConfig) target(id string) request.Target {
	return request.Target{ID: id, Camera: r.Cameras[id], Limits: request.Limits{
		WriteTimeout: r.WriteTimeout, SendBuffer: r.SendBuffer, BytesPerSecond: r.Limits.ViewerBytesPerSecond, WaitingSnapshots: r.Limits.Viewers,
	}}
}

// currentCameras finds cameras in the current configuration.
type currentCameras struct{ server *Server }

// RevalidatedCamera returns a camera, if the grant still holds and can see it.
func (c currentCameras) RevalidatedCamera(id string, g access.Grant) (request.Target, *request.Error) {
	cfg := c.server.config.Load()
	current, _ := cfg.Auth.Revalidate(g)
	return cfg.findCamera(id, current)
}

// NumberedCamera returns a camera by its place, from 0, among those that the grant can see.
func (c currentCameras) NumberedCamera(number int, g access.Grant) (request.Target, *request.Error) {
	cfg := c.server.config.Load()
	visible := cfg.visibleTo(g)
	switch {
	case len(visible) == 0:
		return request.Target{}, request.Errorf(http.StatusNotFound, "no camera is configured")
	case number >= len(visible):
		return request.Target{}, request.Errorf(http.StatusNotFound, "no camera number %d; there are 0 to %d", number, len(visible)-1)
	}
	return cfg.target(visible[number]), nil
}
