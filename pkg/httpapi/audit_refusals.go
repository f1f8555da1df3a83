package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"camd/pkg/access"
	"camd/pkg/audit"
	"camd/pkg/httpapi/request"
)

// logBadCredentials writes refused credentials to the audit log. A request without credentials is not logged.
func (s *Server) logBadCredentials(r *http.Request, auth *access.Authenticator, err error) {
	authorization, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch name, _, basic := r.BasicAuth(); {
	case errors.Is(err, access.ErrNoCredentials):
	case basic:
		s.logLoginFailure(r, auth, access.ByPassword, name, err)
	case strings.EqualFold(authorization, "Bearer"):
		s.logLoginFailure(r, auth, access.ByToken, "", err)
	default:
		s.audit.Record(audit.LinkRefused, audit.Actor{Via: string(access.ByLink), Address: auth.Client(r).String()}, zap.String("reason", loginFailureReason(err)))
	}
}

// logLoginFailure writes to the audit log that a password or token was refused. It writes the name only if a user has it: somebody may
// have typed a password into the wrong field.
func (s *Server) logLoginFailure(r *http.Request, auth *access.Authenticator, via access.Kind, name string, err error) {
	if !auth.HasUser(name) {
		name = ""
	}
	s.audit.Record(audit.LoginFailed, audit.Actor{Name: name, Via: string(via), Address: auth.Client(r).String()}, zap.String("reason", loginFailureReason(err)))
}

// loginFailureReason returns in a word why a login failed.
func loginFailureReason(err error) string {
	var later *access.RetryLaterError
	switch {
	case errors.As(err, &later):
		return "too_many"
	case errors.Is(err, access.ErrExpired):
		return "expired"
	}
	return "wrong"
}

// refuseForbidden answers a known requester without the needed role, and writes that to the audit log.
func (s *Server) refuseForbidden(w http.ResponseWriter, r *http.Request, g access.Grant, role access.Role, camera string) {
	fields := []zap.Field{zap.String("role", string(role))}
	if camera != "" {
		fields = append(fields, zap.String("camera", camera))
	}
	s.audit.Record(audit.Refused, request.Requester{Grant: g, Client: s.config.Load().Auth.Client(r)}.Actor(), fields...)
	s.failForbidden(w, r, g, role)
}
