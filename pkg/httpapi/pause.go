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

// Pausable is a Camera that a person can turn off and on.
type Pausable interface {
	// SetPaused turns the camera off or on, and returns when that is done. changed reports whether the camera was in the other state
	// before. A camera that is turned off is closed, and nobody gets its pictures. SetPaused is safe for concurrent use. If ctx has ended
	// or the camera has been removed, it returns an error and changes nothing.
	SetPaused(ctx context.Context, paused bool) (changed bool, err error)
}

// pauseSetter turns cameras off and on, and saves that. It handles one request at a time for each camera, so that the saved state is the
// latest one.
type pauseSetter struct {
	save  func(camera string, paused bool) error
	locks sync.Map // a *sync.Mutex for each camera
}

// setAndSave turns a camera off or on and saves that. err says why this failed. saveErr says why it was not saved. The next start of camd
// then does not know it.
func (p *pauseSetter) setAndSave(ctx context.Context, id string, c Pausable, paused bool) (changed bool, saveErr, err error) {
	lock, _ := p.locks.LoadOrStore(id, new(sync.Mutex))
	lock.(*sync.Mutex).Lock()
	defer lock.(*sync.Mutex).Unlock()
	if changed, err = c.SetPaused(ctx, paused); err != nil {
		return false, nil, err
	}
	if p.save != nil {
		saveErr = p.save(id, paused)
	}
	return changed, saveErr, nil
}

// pauseCamera turns a camera off or on for a request, and writes that to the audit log. If it cannot be saved, a header warns the requester.
func (s *Server) pauseCamera(w http.ResponseWriter, r *http.Request, target request.Target, paused bool) error {
	changed, saveErr, err := s.pauseSetter.setAndSave(r.Context(), target.ID, target.Camera.(Pausable), paused)
	if err != nil {
		return err
	}
	if changed {
		s.logPause(request.RequesterOf(r).Actor(), target.ID, paused)
	}
	if saveErr != nil {
		s.log.Warn("pause not saved", zap.String("camera", target.ID), zap.Bool("paused", paused), zap.Error(saveErr))
		w.Header().Set("X-Camd-Warning", "this lasts only until camd restarts: "+saveErr.Error())
	}
	return nil
}

// SetPaused turns a camera off or on for a caller outside HTTP, and saves that. via names the caller in the audit log.
func (s *Server) SetPaused(ctx context.Context, via, id string, paused bool) error {
	c, ok := s.config.Load().Cameras[id].(Pausable)
	if !ok {
		return fmt.Errorf("no camera %q that can be turned off here", id)
	}
	changed, saveErr, err := s.pauseSetter.setAndSave(ctx, id, c, paused)
	if err == nil && changed {
		s.logPause(audit.Actor{Via: via}, id, paused)
	}
	if err == nil && saveErr != nil {
		s.log.Warn("pause not saved", zap.String("camera", id), zap.Bool("paused", paused), zap.Error(saveErr))
	}
	return err
}
