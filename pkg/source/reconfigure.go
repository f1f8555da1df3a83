package source

import (
	"context"
	"maps"
	"reflect"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// Difference is what it takes to go from some options to others.
type Difference int

const (
	Same     Difference = iota
	Adjusted            // nothing that the camera's viewers or its capture process would notice
	Reopened            // another capture process; the viewers stay
)

// Compare says what it takes to go from one camera's options to others for it. Their Observer, Log, WorkerPath and Budget are not compared:
// they are where a camera runs, and not what it is.
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

// reopenSettings returns what a capture process is told only once, when it starts. The options that it lacks can be changed later, or
// matter to camd alone.
func (o Options) reopenSettings() wire.Start {
	s := o.startMessage()
	s.Quality, s.OpenTimeout, s.ReadTimeout, s.WorkerMemory = 0, 0, 0, 0
	return s
}

func (o Options) withoutRuntime() Options {
	o.Observer, o.Log, o.WorkerPath, o.Budget = nil, nil, "", nil
	return o
}

// Reconfigure gives the camera, which keeps its ID, other options. When it returns it goes by them. Where nothing but a new
// capture process will do, as Compare says, the old one has ended and the camera is being opened again; its viewers stay. What a
// person has switched goes before Paused. The error is ctx's, or that Run has returned; then nothing was done.
func (c *Camera) Reconfigure(ctx context.Context, o Options) error {
	n := reconfigureRequest{o.withDefaults(), make(chan struct{})}
	select {
	case c.reconfigureRequests <- n:
		<-n.done // for as long as a process may take to end
		return nil
	case <-c.done:
		return errCameraEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reconfigureRequest is a request to the camera's goroutine.
type reconfigureRequest struct {
	options Options
	done    chan struct{} // closed when it is done
}

// applyOptions makes the options those that the camera goes by.
func (s *supervisor) applyOptions(updated Options) {
	old := s.opts
	updated.ID, updated.Log = old.ID, old.Log
	s.opts = updated
	s.updateStatus(func(st *camera.Status) {
		st.Title, st.Site, st.Source, st.Worker.LimitBytes = updated.Title, updated.Site, updated.Source.String(), uint64(max(updated.WorkerMemory, 0))
	})
	if updated.Title != old.Title {
		s.placeholders = nil
	}
	s.setRenditions(updated.Renditions)
	difference := Compare(old, updated)
	s.applyConfiguredControls(old.Controls)
	if difference == Reopened && old.Source.WithCredentials() != updated.Source.WithCredentials() { // of another device
		clear(s.desired)
		maps.Copy(s.desired, updated.Controls)
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
	}
	if s.State != camera.Live && s.placeholders == nil {
		s.publishPlaceholder(time.Now())
	}
}

// updateWorker tells a worker that goes on what is wanted of it now.
func (s *supervisor) updateWorker() {
	list := s.streams.Load().numbered()
	s.worker.renditionCount.Store(max(s.worker.renditionCount.Load(), int32(1+len(list)))) // before it knows them
	s.worker.send(wire.Renditions{Quality: s.opts.Quality, List: list})
	s.sendUnsentControls()
}

// reopen has another worker open what is to be opened now. Viewers are told first: a process may take seconds to end.
func (s *supervisor) reopen() {
	s.cancelRetry()
	s.backoff.Reset() // what went wrong before says nothing
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

// applyOnDemand lets a camera sleep that is opened on demand, if nobody watches, or wakes it.
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
