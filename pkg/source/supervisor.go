package source

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// supervisor is the state of one Run. Only the goroutine of Run uses it.
type supervisor struct {
	*Camera
	currentState                      // the state as last published
	controlState                      // the image controls
	paused            bool            // the camera is turned off
	pauseOverridden   bool            // a person has turned the camera on or off, so Options.Paused has no effect
	demands           []broker.Demand // by rendition: what the readers of its topic want
	tracksWanted      bool            // the same for the topics of the tracks together
	fallback          readerFallback  // what reads the camera, because what camd prefers cannot
	lookupFailed      bool            // the newest dial did not find the name of the server, which a capture process may know
	workerSession                     // of the worker that runs, or of the last one
	decoder           *decoder        // of what the worker delivers
	subDecoder        *decoder        // of the smaller stream
	substream         *secondary      // reads the smaller stream
	stuckWorkers      []*worker       // killed, but not ended: they hang in a driver
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
		s.demands = append(s.demands, st.topic.Demand())
	}
	s.tracksWanted = c.tracks.Load().wanted()
	s.initSubstream()
	s.decoder, s.subDecoder = s.newDecoder(false, &s.stats.ownDecoder), s.newDecoder(true, &s.stats.subDecoder)
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
			s.handleDecoderMessage(s.decoder, e, ok)
		case e, ok := <-s.subDecoder.events:
			s.handleDecoderMessage(s.subDecoder, e, ok)
		case e, ok := <-s.substream.events:
			s.handleSecondaryEvent(s.substream, e, ok)
		case <-s.retry:
			s.attemptOpen()
		case <-s.decoder.retry:
			s.retryDecoder(s.decoder)
		case <-s.subDecoder.retry:
			s.retryDecoder(s.subDecoder)
		case <-s.substream.retry:
			s.openSecondary(s.substream)
		case <-s.pathChanged():
			s.attemptOpen()
		case r := <-s.dialing.received():
			s.handleDialResult(r)
		case <-s.queuedSlot.granted():
			s.startWorker()
		case <-s.decoder.queuedSlot.granted():
			s.startSecondary(s.decoder.secondary)
		case <-s.subDecoder.queuedSlot.granted():
			s.startSecondary(s.subDecoder.secondary)
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
func (s *supervisor) hasPictureReader() bool {
	return slices.ContainsFunc(s.demands, func(d broker.Demand) bool { return d.Wanted })
}

// updateDemand applies changes in the demand for the topics. It opens and closes a camera that is on demand.
func (s *supervisor) updateDemand() {
	before := s.hasAnyReader()
	s.tracksWanted = s.tracks.Load().wanted()
	for i, st := range s.streams.Load().byNumber {
		if st == nil {
			continue
		}
		if demand := st.topic.Demand(); demand != s.demands[i] {
			before := s.demands[i]
			s.demands[i] = demand
			s.applyDemand(i, before)
		}
	}
	s.updateDecoders()
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

// applyDemand tells the worker that makes a rendition what its readers want now. If they begin to wait for frames, it shows a placeholder
// unless the rendition is live. The decoders are told by updateDecoders.
func (s *supervisor) applyDemand(rendition int, before broker.Demand) {
	isDecoded := s.decoderOf(rendition) != nil
	if s.worker != nil && !isDecoded {
		s.worker.send(s.demandMessage(rendition))
	}
	now := s.demands[rendition]
	switch {
	case rendition == 0 && !isDecoded: // the worker sends one picture of main a second without demand
	case before.Wanted && !now.Wanted:
		s.streams.Load().byNumber[rendition].topic.Expire()
	case !before.Frames && now.Frames && s.shownState(rendition).State != camera.Live:
		s.publishPlaceholder(time.Now())
	}
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
	for _, d := range s.decoders() {
		s.checkSecondary(d.secondary, now, s.isPictureDue(d))
	}
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
		s.updateDecoders()
	}
}
