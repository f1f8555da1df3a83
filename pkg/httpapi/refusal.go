package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"camd/pkg/access"
	"camd/pkg/audit"
)

// unknown writes that somebody gave credentials that were not taken. Who gave none has tried nothing.
func (s *Server) unknown(r *http.Request, gate *access.Gate, err error) {
	authorization, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch name, _, basic := r.BasicAuth(); {
	case errors.Is(err, access.ErrNone):
	case basic:
		s.notLoggedIn(r, gate, access.ByBasic, name, err)
	case strings.EqualFold(authorization, "Bearer"):
		s.notLoggedIn(r, gate, access.ByToken, "", err)
	default:
		s.audit.Note(audit.LinkRefused, audit.Person{Via: string(access.ByLink), Address: gate.Client(r).String()}, zap.String("reason", reasonOf(err)))
	}
}

// notLoggedIn writes that a password or token was not taken. What was typed as a name is written only if it is one: it may be a
// password in the wrong field.
func (s *Server) notLoggedIn(r *http.Request, gate *access.Gate, via access.Kind, name string, err error) {
	if !gate.Knows(name) {
		name = ""
	}
	s.audit.Note(audit.LoginFailed, audit.Person{Who: name, Via: string(via), Address: gate.Client(r).String()}, zap.String("reason", reasonOf(err)))
}

// reasonOf is why somebody is not known, in a word.
func reasonOf(err error) string {
	var later *access.LaterError
	switch {
	case errors.As(err, &later):
		return "too_many"
	case errors.Is(err, access.ErrExpired):
		return "expired"
	}
	return "wrong"
}

// forbidden writes that somebody who is known wanted what they may not, and tells them so.
func (s *Server) forbidden(w http.ResponseWriter, r *http.Request, g access.Grant, role access.Role, camera string) {
	fields := []zap.Field{zap.String("role", string(role))}
	if camera != "" {
		fields = append(fields, zap.String("camera", camera))
	}
	s.audit.Note(audit.Refused, person(g, s.roster.Load().Gate.Client(r)), fields...)
	forbid(w, r, g, role)
}
