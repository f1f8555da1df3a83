package source

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// supervisor is the state of one Run, seen by its goroutine alone.
type supervisor struct {
	*Camera
	currentState                // the state as last published
	controlState                // its image controls
	paused            bool      // it is switched off
	pauseOverridden   bool      // a person has switched it; Options.Paused has no effect any more
	hasReaders        []bool    // by rendition: somebody reads its topic
	workerSession               // the worker that runs, or the last one
	stuckWorkers      []*worker // those that were killed and are not gone
	retry             <-chan time.Time
	backoff           *backoff.ExponentialBackOff
	pathWatcher       *pathWatcher
	dialing           *dialWait  // for its server
	queuedSlot        *startSlot // for permission to start a process
	serverAnswered    bool       // the server answered the last dial, and no picture followed: a server for one client at a time may have taken the dial for that one
	serverUnreachable bool       // the server did not answer the last dial
	streamRetriesLeft int        // how many attempts that find no stream are still repeated after streamRetryDelay
	freezeDetector    freezeDetector
}

// Run keeps the camera going until ctx ends, and returns when all that it started has ended. It is called once.
func (c *Camera) Run(ctx context.Context) {
	defer close(c.done)
	newSupervisor(c).run(ctx)
}

// errRemoved is the cause of a context's end that lets the camera's readers go.
var errRemoved = errors.New("the camera is removed")

func newSupervisor(c *Camera) *supervisor {
	s := &supervisor{Camera: c, paused: c.opts.Paused, controlState: newControlState(c.opts.Controls), backoff: &backoff.ExponentialBackOff{
		InitialInterval: initialRetryDelay, MaxInterval: maxRetryDelay, Multiplier: 2, RandomizationFactor: jitter,
	}}
	s.backoff.Reset()
	for _, st := range c.streams.Load().byNumber {
		s.hasReaders = append(s.hasReaders, st.topic.Wanted())
	}
	return s
}

func (s *supervisor) run(ctx context.Context) {
	s.heartbeat(time.Now())
	defer s.lastHeartbeat.Store(nil)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	defer s.cancelRetry()
	defer s.stopWorker()
	s.openIfNeeded()
	for {
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errRemoved) {
				s.endStreams()
			}
			return
		case e, ok := <-s.events:
			if ok {
				s.handleEvent(e)
			} else {
				s.handleWorkerExit()
			}
		case <-s.Camera.demandChanged:
			s.updateDemand()
		case a := <-s.controlRequests:
			s.handleControlRequest(a)
		case w := <-s.pauseRequests:
			w.reply <- s.handlePauseRequest(w.paused)
		case n := <-s.reconfigureRequests:
			s.applyOptions(n.options)
			close(n.done)
		case <-s.retry:
			s.attemptOpen()
		case <-s.pathChanged():
			s.attemptOpen()
		case r := <-s.dialing.received():
			s.handleDialResult(r)
		case <-s.queuedSlot.granted():
			s.startWorker()
		case now := <-tick.C:
			s.heartbeat(now)
			s.tick(now)
		}
	}
}

// openIfNeeded opens the camera, or leaves it be until somebody watches or switches it on.
func (s *supervisor) openIfNeeded() {
	s.freezeDetector = freezeDetector{} // what was seen before it slept says nothing
	switch {
	case s.paused:
		s.setState(camera.Paused, camera.None, "")
	case s.opts.OnDemand && !s.hasAnyReader():
		s.setState(camera.Idle, camera.None, "")
	default:
		s.setState(camera.Starting, camera.None, "")
		s.attemptOpen()
	}
}

// pathChanged receives while no worker runs or is about to. What changes while one tries to open the device makes another
// follow it: a node appears before it gets its permissions.
func (s *supervisor) pathChanged() <-chan struct{} {
	if s.worker != nil || s.queuedSlot != nil {
		return nil
	}
	return s.pathWatcher.changed()
}

// hasAnyReader reports whether somebody reads any of the topics.
func (s *supervisor) hasAnyReader() bool { return slices.Contains(s.hasReaders, true) }

// updateDemand follows the topics' readers.
func (s *supervisor) updateDemand() {
	before := s.hasAnyReader()
	for i, st := range s.streams.Load().byNumber {
		if st == nil {
			continue
		}
		if wanted := st.topic.Wanted(); wanted != s.hasReaders[i] {
			s.hasReaders[i] = wanted
			s.setDemand(i, wanted)
		}
	}
	after := s.hasAnyReader()
	switch {
	case after == before || !s.opts.OnDemand || s.paused:
	case !after:
		s.stopWorker()
		s.cancelRetry()
		s.setState(camera.Idle, camera.None, "")
	case s.State == camera.Idle:
		s.openIfNeeded()
	}
}

// setDemand begins and ends a rendition.
func (s *supervisor) setDemand(rendition int, wanted bool) {
	if s.worker != nil {
		s.worker.send(wire.Demand{Rendition: uint8(rendition), Wanted: wanted})
	}
	switch {
	case rendition == 0: // of which there is a picture a second anyway
	case !wanted:
		s.streams.Load().byNumber[rendition].topic.Expire()
	case s.State != camera.Live:
		s.publishPlaceholder(time.Now())
	}
}

// tick runs once a second: it updates the rate and the placeholder, and checks the worker.
func (s *supervisor) tick(now time.Time) {
	s.sampleRate(now)
	if s.worker != nil {
		s.checkProgress(now.Sub(s.lastProgress))
	}
	if s.worker != nil {
		s.checkWorker(now)
	}
	for _, st := range s.streams.Load().byNumber {
		if st != nil {
			st.topic.Trim()
		}
	}
	if s.paused { // a process that was stuck may be gone
		s.setState(camera.Paused, camera.None, s.stuckWorkerDetail())
	}
	switch {
	case s.State == camera.Live:
		s.requestMissingRenditions()
	case s.hasAnyReader():
		s.publishPlaceholder(now)
	}
}
