package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"camd/pkg/audit"
	"camd/pkg/httpapi/request"

	"go.uber.org/zap"
)

// Pausable is a Camera that a person can switch off and on.
type Pausable interface {
	// SetPaused returns when it is done, and reports whether that was a change: a camera that is switched off is closed, and
	// nobody gets a picture any more that it gave. It is safe for concurrent use. Its error is ctx's, or that the camera is no
	// more; then nothing was done.
	SetPaused(ctx context.Context, paused bool) (changed bool, err error)
}

// pauseSetter turns cameras off and on, each of them one request at a time, so that what is remembered is what was done last.
type pauseSetter struct {
	save  func(camera string, paused bool) error
	locks sync.Map // by camera: a *sync.Mutex
}

// pauseCamera switches a camera off or on. saveErr is why a restart of camd forgets it; err is why it was not done.
func (s *pauseSetter) setPaused(ctx context.Context, id string, c Pausable, paused bool) (changed bool, saveErr, err error) {
	lock, _ := s.locks.LoadOrStore(id, new(sync.Mutex))
	lock.(*sync.Mutex).Lock()
	defer lock.(*sync.Mutex).Unlock()
	if changed, err = c.SetPaused(ctx, paused); err != nil {
		return false, nil, err
	}
	if s.save != nil {
		saveErr = s.save(id, paused)
	}
	return changed, saveErr, nil
}

// pauseCamera does what a person asked for, notes who that was, and tells them what it is worth.
func (s *Server) pauseCamera(w http.ResponseWriter, r *http.Request, target request.Target, paused bool) error {
	changed, saveErr, err := s.pauseSetter.setPaused(r.Context(), target.ID, target.Camera.(Pausable), paused)
	if err != nil {
		return err
	}
	if changed {
		s.logPause(request.RequesterOf(r).Actor(), target.ID, paused)
	}
	if saveErr != nil {
		s.log.Warn("switch not kept", zap.String("camera", target.ID), zap.Bool("paused", paused), zap.Error(saveErr))
		w.Header().Set("X-Camd-Warning", "done, until camd restarts: "+saveErr.Error())
	}
	return nil
}

// SetPaused switches a camera off or on for a caller outside HTTP, which via names. The state is saved as well.
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
