package httpapi

import (
	"net/http"

	"go.uber.org/zap"

	"camd/pkg/audit"
	"camd/pkg/camera"
)

// change is what a control was and is; nil is not known.
type change struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// adjusted writes which of a camera's controls somebody has set; before is what they were, after what all are now.
func (s *Server) adjusted(r *http.Request, id string, settings map[string]camera.Setting, before, after []camera.Control) {
	was := map[string]any{}
	for _, c := range controlsJSON(before) {
		was[c.Name] = c.Value
	}
	changes := map[string]change{}
	for _, c := range controlsJSON(after) {
		if _, set := settings[c.Name]; set {
			changes[c.Name] = change{was[c.Name], c.Value}
		}
	}
	s.audit.Note(audit.Adjusted, personOf(r), zap.String("camera", id), zap.Any("changes", changes))
}

// switched writes who has switched a camera off or on.
func (s *Server) switched(by audit.Person, id string, paused bool) {
	from, to := "off", "on"
	if paused {
		from, to = to, from
	}
	s.audit.Note(audit.Switched, by, zap.String("camera", id), zap.String("from", from), zap.String("to", to))
}
