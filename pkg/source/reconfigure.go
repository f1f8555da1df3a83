package source

import (
	"context"
	"maps"
	"reflect"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// Difference is what Camera.Reconfigure must do to a camera to replace its options by others.
type Difference int

const (
	Same     Difference = iota // nothing: the options are equal
	Adjusted                   // change the running camera; its capture process stays
	Reopened                   // start another capture process; the viewers stay
)

// Compare returns what replacing the old options by the updated ones takes. It ignores Observer, Log, WorkerPath and Budget, which
// describe how camd runs the camera and not the camera.
func Compare(old, updated Options) Difference {
	old, updated = old.withDefaults(), updated.withDefaults()
	switch {
	case !reflect.DeepEqual(old.reopenSettings(), updated.reopenSettings()):
		return Reopened
	case !reflect.DeepEqual(old.withoutRuntime(), updated.withoutRuntime()):
		return Adjusted
	}
	return Same
}

// reopenSettings returns the options that a capture process gets only when it starts: if one of them changes, the camera is reopened.
// All others can be changed while the process runs, or matter only to camd.
func (o Options) reopenSettings() wire.Start {
	s := o.startMessage()
	s.Quality, s.OpenTimeout, s.ReadTimeout, s.CaptureMemory = 0, 0, 0, 0
	return s
}

// withoutRuntime returns the options without those that Compare ignores.
func (o Options) withoutRuntime() Options {
	o.Observer, o.Log, o.WorkerPath, o.Budget = nil, nil, "", nil
	return o
}

// Reconfigure replaces the camera's options. The ID and Log stay as they are. The new options are in force when it returns.
//
// If Compare returns Reopened for the change, the old capture process has ended then, and the camera is being opened again. Its
// viewers stay. Options.Paused has no effect once a person has turned the camera on or off.
//
// The error is ctx's, or says that Run has returned. On an error, nothing was changed.
func (c *Camera) Reconfigure(ctx context.Context, o Options) error {
	n := reconfigureRequest{o.withDefaults(), make(chan struct{})}
	select {
	case c.reconfigureRequests <- n:
		<-n.done // which takes as long as a process takes to end
		return nil
	case <-c.done:
		return errCameraEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reconfigureRequest is a request to the supervisor.
type reconfigureRequest struct {
	options Options
	done    chan struct{} // closed when the options are in force
}

// applyOptions puts new options into force.
func (s *supervisor) applyOptions(updated Options) {
	old := s.opts
	updated.ID, updated.Log = old.ID, old.Log
	s.opts = updated
	s.updateStatus(func(st *camera.Status) {
		st.Title, st.Site, st.Source, st.Worker.LimitBytes = updated.Title, updated.Site, updated.Source.String(), uint64(max(updated.CaptureMemory, 0))
	})
	if updated.Title != old.Title {
		s.placeholders = nil
	}
	s.setRenditions(updated.Renditions)
	s.setTracks(updated)
	if old.Substream != updated.Substream {
		s.stopSecondary(s.substream)
		s.subDecoder.forgetUndecodable()
	}
	difference := Compare(old, updated)
	s.applyConfiguredControls(old.Controls)
	if difference == Reopened && old.Source.WithCredentials() != updated.Source.WithCredentials() { // of another device
		clear(s.desired)
		maps.Copy(s.desired, updated.Controls)
	}
	if difference == Reopened {
		s.fallback, s.lookupFailed = noFallback, false
	}
	switch {
	case updated.Paused != old.Paused && updated.Paused != s.paused && !s.pauseOverridden:
		s.setPaused(updated.Paused)
	case s.paused:
	case difference == Reopened:
		s.reopen()
	case s.State == camera.Idle || updated.OnDemand && !s.hasAnyReader():
		s.applyOnDemand()
	}
	if s.worker != nil && difference != Reopened {
		s.updateWorker()
		s.updateDecoders()
		s.updateSubstream()
	}
	if s.State != camera.Live && s.placeholders == nil {
		s.publishPlaceholder(time.Now())
	}
}

// updateWorker sends the renditions and the changed controls to a worker that keeps running.
func (s *supervisor) updateWorker() {
	list := s.streams.Load().numbered()
	for _, w := range []*worker{s.worker, s.decoder.worker, s.subDecoder.worker} {
		if w != nil {
			w.renditionCount.Store(max(w.renditionCount.Load(), int32(1+len(list)))) // before it knows them
			w.send(wire.Renditions{Quality: s.opts.Quality, List: list})
		}
	}
	s.sendUnsentControls()
}

// reopen replaces the worker, so that it opens the source with the new options. It shows viewers the new state before it stops the old
// worker, which may take seconds.
func (s *supervisor) reopen() {
	s.cancelRetry()
	s.backoff.Reset() // earlier failures do not count
	if s.opts.OnDemand && !s.hasAnyReader() {
		s.applyOnDemand()
		return
	}
	s.freezeDetector = freezeDetector{}
	s.setState(camera.Starting, camera.Reconfigured, "")
	if s.worker != nil {
		s.restarts[camera.Reconfigured].Add(1)
	}
	s.stopWorker()
	s.attemptOpen()
}

// applyOnDemand closes a camera that is on demand while nobody watches. It opens any other camera.
func (s *supervisor) applyOnDemand() {
	switch {
	case !s.opts.OnDemand || s.hasAnyReader():
		s.openIfNeeded()
	case s.State != camera.Idle:
		s.stopWorker()
		s.cancelRetry()
		s.setState(camera.Idle, camera.None, "")
	}
}
