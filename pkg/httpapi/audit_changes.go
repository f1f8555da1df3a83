package httpapi

import (
	"net/http"

	"go.uber.org/zap"

	"camd/pkg/audit"
	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
)

// controlChange is the value of a control before and after a change. A value is nil if it is not known.
type controlChange struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// logControlChanges writes to the audit log which controls of a camera a requester has set. before and after are all controls before and
// after that.
func (s *Server) logControlChanges(r *http.Request, id string, settings map[string]camera.Setting, before, after []camera.Control) {
	was := map[string]any{}
	for _, c := range controlsJSON(before) {
		was[c.Name] = c.Value
	}
	changes := map[string]controlChange{}
	for _, c := range controlsJSON(after) {
		if _, set := settings[c.Name]; set {
			changes[c.Name] = controlChange{was[c.Name], c.Value}
		}
	}
	s.audit.Record(audit.Adjusted, request.RequesterOf(r).Actor(), zap.String("camera", id), zap.Any("changes", changes))
}

// logPause writes to the audit log who has turned a camera off or on.
func (s *Server) logPause(by audit.Actor, id string, paused bool) {
	from, to := "off", "on"
	if paused {
		from, to = to, from
	}
	s.audit.Record(audit.Switched, by, zap.String("camera", id), zap.String("from", from), zap.String("to", to))
}
