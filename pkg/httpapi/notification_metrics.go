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
		m.notifications.WithLabelValues(kind, r)
	}
	return func(result string) { m.notifications.WithLabelValues(kind, result).Inc() }
}

// ViewerCounts returns how many viewers each camera has that has any.
func (s *Server) ViewerCounts() map[string]int { return s.viewers.CountPerCamera() }

// SetPaused turns a camera off or on for a caller outside HTTP, which via names. It is saved, too.
func (s *Server) SetPaused(ctx context.Context, via, id string, paused bool) error {
	c, ok := s.config.Load().Cameras[id].(Pausable)
	if !ok {
		return fmt.Errorf("there is no camera %q that can be switched", id)
	}
	changed, saveErr, err := s.pauseSetter.setPaused(ctx, id, c, paused)
	if err == nil && changed {
		s.logPause(audit.Actor{Via: via}, id, paused)
	}
	if err == nil && saveErr != nil {
		s.log.Warn("switch not kept", zap.String("camera", id), zap.Bool("paused", paused), zap.Error(saveErr))
	}
	return err
}
