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

// supervisor is the state of one Run. Only the goroutine of Run uses it.
type supervisor struct {
	*Camera
	currentState                     // the state as last published
	controlState                     // the image controls
	paused            bool           // the camera is turned off
	pauseOverridden   bool           // a person has turned the camera on or off, so Options.Paused has no effect
	hasReaders        []bool         // by rendition: somebody reads its topic, or did within demandLinger
	tracksWanted      bool           // the same for the topics of the tracks together
	fallback          readerFallback // what reads the camera, because what camd prefers cannot
	lookupFailed      bool           // the newest dial did not find the name of the server, which a capture process may know
	workerSession                    // of the worker that runs, or of the last one
	decoder           *secondary
	endFeeding        func()         // ends the goroutine that feeds the decoder; nil while none runs
	decodedFreeze     freezeDetector // of the pictures that the decoder makes of video
	substream         *secondary
	stuckWorkers      []*worker // killed, but not ended: they hang in a driver
	retry             <-chan time.Time
	backoff           *backoff.ExponentialBackOff
	pathWatcher       *pathWatcher // nil unless the camera waits for a device or file
	dialing           *dialWait    // nil unless the camera waits for its server
	queuedSlot        *startSlot   // nil unless the camera waits for permission to start a process
	serverAnswered    bool         // the server answered a dial after the last picture. The next attempt does not dial: a server that accepts one client at a time may refuse a process right after a dial
	serverUnreachable bool         // the server did not answer the last dial
	streamRetriesLeft int          // how many attempts that find no stream are still repeated after streamRetryDelay
	freezeDetector    freezeDetector
}

// Run runs the camera until ctx ends. It returns when everything that it started has ended. Call it once.
func (c *Camera) Run(ctx context.Context) {
	defer close(c.done)
	if c.ownsReaders {
		defer c.readers.close()
	}
	newSupervisor(c).run(ctx)
}

// errRemoved is the cause with which a fleet cancels the context of a camera that is removed. Run then ends the camera's topics.
var errRemoved = errors.New("the camera was removed")

func newSupervisor(c *Camera) *supervisor {
	s := &supervisor{Camera: c, paused: c.opts.Paused, controlState: newControlState(c.opts.Controls), backoff: newBackoff()}
	for _, st := range c.streams.Load().byNumber {
		s.hasReaders = append(s.hasReaders, st.topic.Wanted())
	}
	s.tracksWanted = c.tracks.Load().wanted()
	s.initDecoder()
	s.initSubstream()
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
		case e, ok := <-s.decoder.events:
			s.handleSecondaryEvent(s.decoder, e, ok)
		case e, ok := <-s.substream.events:
			s.handleSecondaryEvent(s.substream, e, ok)
		case <-s.retry:
			s.attemptOpen()
		case <-s.decoder.retry:
			s.openSecondary(s.decoder)
		case <-s.substream.retry:
			s.openSecondary(s.substream)
		case <-s.pathChanged():
			s.attemptOpen()
		case r := <-s.dialing.received():
			s.handleDialResult(r)
		case <-s.queuedSlot.granted():
			s.startWorker()
		case <-s.decoder.queuedSlot.granted():
			s.startSecondary(s.decoder)
		case now := <-tick.C:
			s.heartbeat(now)
			s.tick(now)
		}
	}
}

// openIfNeeded opens the camera, unless it is turned off, or on demand and nobody watches.
func (s *supervisor) openIfNeeded() {
	s.freezeDetector = freezeDetector{} // pictures from before it was idle do not count
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

// pathChanged returns the channel of the path watcher, or nil while a worker runs or waits to start. A change in the meantime stays in
// the channel and causes another attempt: a node appears before it gets its permissions.
func (s *supervisor) pathChanged() <-chan struct{} {
	if s.worker != nil || s.queuedSlot != nil {
		return nil
	}
	return s.pathWatcher.changed()
}

// hasAnyReader reports whether somebody reads any topic, or did within demandLinger.
func (s *supervisor) hasAnyReader() bool { return s.tracksWanted || s.hasPictureReader() }

// hasPictureReader reports the same for the topics of JPEGs.
func (s *supervisor) hasPictureReader() bool { return slices.Contains(s.hasReaders, true) }

// updateDemand applies changes in the demand for the topics. It opens and closes a camera that is on demand.
func (s *supervisor) updateDemand() {
	before := s.hasAnyReader()
	s.tracksWanted = s.tracks.Load().wanted()
	for i, st := range s.streams.Load().byNumber {
		if st == nil {
			continue
		}
		if wanted := st.topic.Wanted(); wanted != s.hasReaders[i] {
			s.hasReaders[i] = wanted
			s.setDemand(i, wanted)
		}
	}
	s.updateDecoder()
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

// setDemand starts or ends a rendition at the worker, and shows a placeholder in one that starts while the camera is not live.
func (s *supervisor) setDemand(rendition int, wanted bool) {
	if w := s.workerFor(rendition); w != nil {
		w.send(wire.Demand{Rendition: uint8(rendition), Wanted: wanted})
	}
	switch {
	case rendition == 0 && !s.isDecoded(0): // the worker sends one picture a second without demand
	case !wanted:
		s.streams.Load().byNumber[rendition].topic.Expire()
	case s.shownState(rendition).State != camera.Live:
		s.publishPlaceholder(time.Now())
	}
}

// workerFor returns the worker that makes a rendition, or nil if it does not run.
func (s *supervisor) workerFor(rendition int) *worker {
	if s.isDecoded(rendition) {
		return s.decoder.worker
	}
	return s.worker
}

// tick is called once a second. It checks the worker, updates the rate, trims the topics and repeats the placeholder.
func (s *supervisor) tick(now time.Time) {
	s.sampleRate(now)
	if s.worker != nil {
		s.checkProgress(now.Sub(s.lastProgress))
	}
	if s.worker != nil {
		s.enforceWorkerLimits(now)
	}
	s.checkSecondary(s.decoder, now, s.isDecoderFed())
	s.checkSecondary(s.substream, now, s.State == camera.Live)
	for _, st := range s.streams.Load().byNumber {
		if st != nil {
			st.topic.Trim()
		}
	}
	for _, t := range s.tracks.Load().all() {
		t.topic.Trim()
	}
	if s.paused { // a stuck process may have exited
		s.setState(camera.Paused, camera.None, s.stuckWorkerDetail())
	}
	if s.hasPictureReader() {
		s.publishPlaceholder(now)
	}
	if s.State == camera.Live {
		s.requestMissingRenditions()
	}
}
