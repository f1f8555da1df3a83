package httpapi

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"camd/pkg/audit"
)

// Notifications returns what counts the notices to receivers of a kind by what becomes of them, and makes its series appear
// at zero. It is safe for concurrent use.
func (m *Metrics) Notifications(kind string, results ...string) func(result string) {
	for _, r := range results {
		m.notices.WithLabelValues(kind, r)
	}
	return func(result string) { m.notices.WithLabelValues(kind, result).Inc() }
}

// Watching returns how many viewers each camera has that has any.
func (s *Server) Watching() map[string]int { return s.audience.watching() }

// Switch turns a camera off or on for somebody who did not ask by HTTP: via says how they did. It is remembered likewise.
func (s *Server) Switch(ctx context.Context, via, id string, paused bool) error {
	c, ok := s.roster.Load().Cameras[id].(Pausable)
	if !ok {
		return fmt.Errorf("there is no camera %q that can be switched", id)
	}
	changed, forgets, err := s.switches.turn(ctx, id, c, paused)
	if err == nil && changed {
		s.switched(audit.Person{Via: via}, id, paused)
	}
	if err == nil && forgets != nil {
		s.log.Warn("switch not kept", zap.String("camera", id), zap.Bool("paused", paused), zap.Error(forgets))
	}
	return err
}
