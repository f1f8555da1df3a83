package httpapi

import (
	"context"
	"net/http"
	"sync"

	"go.uber.org/zap"
)

// Pausable is a Camera that a person can switch off and on.
type Pausable interface {
	// Pause returns when it is done, and reports whether that was a change: a camera that is switched off is closed, and
	// nobody gets a picture any more that it gave. It is safe for concurrent use. Its error is ctx's, or that the camera is no
	// more; then nothing was done.
	Pause(ctx context.Context, paused bool) (changed bool, err error)
}

// switches turns cameras off and on, each of them one request at a time, so that what is remembered is what was done last.
type switches struct {
	remember func(camera string, paused bool) error
	turns    sync.Map // by camera: a *sync.Mutex
}

// turn switches a camera off or on. forgets is why that will not outlast camd, nil if it will; err is why it was not done.
func (s *switches) turn(ctx context.Context, id string, c Pausable, paused bool) (changed bool, forgets, err error) {
	turn, _ := s.turns.LoadOrStore(id, new(sync.Mutex))
	turn.(*sync.Mutex).Lock()
	defer turn.(*sync.Mutex).Unlock()
	if changed, err = c.Pause(ctx, paused); err != nil {
		return false, nil, err
	}
	if s.remember != nil {
		forgets = s.remember(id, paused)
	}
	return changed, forgets, nil
}

// turn does what a person asked for, notes who that was, and tells them what it is worth.
func (s *Server) turn(w http.ResponseWriter, r *http.Request, v view, paused bool) error {
	changed, forgets, err := s.switches.turn(r.Context(), v.id, v.camera.(Pausable), paused)
	if err != nil {
		return err
	}
	me := visitorOf(r)
	log := s.log.With(zap.String("camera", v.id), zap.String("who", me.Who), zap.String("remote", me.remote(r)))
	switch {
	case changed && paused:
		log.Info("camera paused")
	case changed:
		log.Info("camera resumed")
	}
	if forgets != nil {
		log.Warn("switch not kept", zap.Bool("paused", paused), zap.Error(forgets))
		w.Header().Set("X-Camd-Warning", "done, until camd restarts: "+forgets.Error())
	}
	return nil
}
