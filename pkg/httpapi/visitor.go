package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"camd/pkg/access"
)

// Who an address is for, where no role says it.
const (
	anybody access.Role = ""
	known   access.Role = "known" // whoever may anything
)

// visitor is who a request comes from.
type visitor struct {
	access.Grant
	client access.Client
}

type visitorKey struct{}

// visitorOf is who a request comes from that has been admitted; who has not may nothing.
func visitorOf(r *http.Request) visitor {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	return v
}

// remote is where a request comes from: the address and port of the other end, or the address that a trusted proxy says.
func (v visitor) remote(r *http.Request) string {
	if said := v.client.String(); v.client.Addr.IsValid() && said != hostOf(r.RemoteAddr) {
		return said
	}
	return r.RemoteAddr
}

// everybody lets everybody do everything.
func everybody() *access.Gate {
	return access.New(access.Options{Anonymous: access.Allowance{Role: access.Admin}})
}

// admit lets those on who have a role at some camera; at which, next sees to.
func (s *Server) admit(role access.Role, next http.HandlerFunc) http.HandlerFunc {
	if role == anybody {
		return next
	}
	return func(w http.ResponseWriter, r *http.Request) {
		gate := s.roster.Load().Gate
		grant, err := gate.Identify(r)
		switch {
		case err != nil:
			s.unknown(r, gate, err)
			turnAway(w, r, gate, err)
		case role == access.Metrics && !grant.May(role, ""):
			s.forbidden(w, r, grant, role, "")
		case role != known && !grant.Is(role):
			s.forbidden(w, r, grant, role, "")
		default:
			who := visitor{grant, gate.Client(r)}
			next(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, who)))
		}
	}
}

// forbid answers somebody who is known and may not.
func forbid(w http.ResponseWriter, r *http.Request, g access.Grant, role access.Role) {
	fail(w, r, http.StatusForbidden, fmt.Sprintf("%s may not do this; it takes the role %s", g.Who, role))
}

// turnAway answers somebody who is not known: people in a browser are shown where to log in, programs are told how.
func turnAway(w http.ResponseWriter, r *http.Request, gate *access.Gate, err error) {
	var later *access.LaterError
	if errors.As(err, &later) {
		w.Header().Set("Retry-After", strconv.Itoa(later.Seconds()))
		fail(w, r, http.StatusTooManyRequests, later.Error())
		return
	}
	if forPeople(r) && gate.HasLogin() {
		query := url.Values{"next": {withoutLink(r.URL)}}
		if errors.Is(err, access.ErrWrong) && r.Header.Get("Authorization") == "" {
			query.Set("ended", "link") // whoever has no name here would not know why they are asked for one
		}
		seeOther(w, "/login?"+query.Encode())
		return
	}
	// A page's own script, and the picture of a link that has ended, would make a browser ask for a password in a window of its own.
	if gate.HasLogin() && r.Header.Get("X-Requested-With") == "" && !r.URL.Query().Has(access.LinkParameter) {
		w.Header().Add("WWW-Authenticate", `Basic realm="camd", charset="UTF-8"`)
	} else {
		w.Header().Add("WWW-Authenticate", `Bearer realm="camd"`)
	}
	switch {
	case errors.Is(err, access.ErrExpired):
		fail(w, r, http.StatusUnauthorized, "this link has expired, or was taken back")
	case errors.Is(err, access.ErrWrong):
		fail(w, r, http.StatusUnauthorized, "wrong name, password, token or link")
	default:
		fail(w, r, http.StatusUnauthorized, "this takes a name and password (HTTP Basic), a token (Authorization: Bearer), or a link")
	}
}

// forPeople reports whether a browser asks for what it is to show in its window.
func forPeople(r *http.Request) bool {
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

// roleOf is the most that somebody may.
func roleOf(g access.Grant) access.Role {
	for _, role := range []access.Role{access.Admin, access.Control, access.View, access.Metrics} {
		if g.Is(role) {
			return role
		}
	}
	return anybody
}

// seenBy returns the cameras that somebody may know of, in their order.
func (r *roster) seenBy(g access.Grant) []string {
	var seen []string
	for _, id := range r.Order {
		if g.Sees(id) {
			seen = append(seen, id)
		}
	}
	return seen
}

// find returns a camera that somebody may know of, or says what an unknown one is told.
func (r *roster) find(id string, g access.Grant) (Camera, *requestError) {
	if c, ok := r.Cameras[id]; ok && g.Sees(id) {
		return c, nil
	}
	message := fmt.Sprintf("no camera %q; none is configured", id)
	if seen := r.seenBy(g); len(seen) > 0 {
		message = fmt.Sprintf("no camera %q; there are: %s", id, strings.Join(seen, ", "))
	}
	return nil, &requestError{http.StatusNotFound, message}
}
