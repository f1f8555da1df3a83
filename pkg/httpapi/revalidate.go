package httpapi

import (
	"context"
	"time"
)

// revalidateInterval is how often the grants of viewers are checked. This check alone finds links that have expired.
const revalidateInterval = time.Second

// revalidateLoop disconnects viewers that have lost access, until ctx ends.
func (s *Server) revalidateLoop(ctx context.Context) {
	every := time.NewTicker(revalidateInterval)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			s.revalidate()
		case <-ctx.Done():
			return
		}
	}
}

// revalidate checks every viewer's grant once. Frames are sent meanwhile.
func (s *Server) revalidate() {
	auth := s.config.Load().Auth
	for _, v := range s.viewers.All() {
		if current, ok := auth.Revalidate(v.Grant); !ok || !current.CanSee(v.Camera) {
			v.RevokeAccess()
		}
	}
}
