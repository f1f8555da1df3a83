package source

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"camd/pkg/camera"
	"camd/pkg/source/reach"
	"camd/pkg/source/spec"
	"camd/pkg/source/wire"
)

// Limits on waiting between attempts. The jitter keeps cameras behind one switch from retrying in step.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 25 * time.Second // 30 s with the jitter
	jitter     = 0.2
)

// A server that was restarted answers before its streams are there. The first attempts that find no stream are therefore
// repeated soon.
const (
	streamRetry   = 2 * time.Second
	streamRetries = 5
)

// beyond is what a worker may take longer than its own timeouts before it counts as hung.
const beyond = 5 * time.Second

// supervisor is the state of one Run, seen by its goroutine alone.
type supervisor struct {
	*Camera
	condition           // what has been told to the world
	tuning              // its image controls
	paused    bool      // it is switched off
	switched  bool      // a person has had a say in that
	wants     []bool    // by rendition: somebody reads its topic
	session             // the worker that runs, or the last one
	stuck     []*worker // those that were killed and are not gone
	retry     <-chan time.Time
	backoff   *backoff.ExponentialBackOff
	appeared  *appearance
	dialing   *dialWait  // for its server
	queued    *startSlot // for permission to start a process
	met       bool       // the server answered the last dial, and no picture followed: a server for one client at a time may have taken the dial for that one
	away      bool       // the server did not answer the last dial
	soon      int        // how many attempts that find no stream are still repeated after streamRetry
	still     stillness
}

// Run keeps the camera going until ctx ends, and returns when all that it started has ended. It is called once.
func (c *Camera) Run(ctx context.Context) {
	defer close(c.gone)
	newSupervisor(c).run(ctx)
}

// errRemoved is the cause of a context's end that lets the camera's readers go.
var errRemoved = errors.New("the camera is removed")

func newSupervisor(c *Camera) *supervisor {
	s := &supervisor{Camera: c, paused: c.opts.Paused, tuning: newTuning(c.opts.Controls), backoff: &backoff.ExponentialBackOff{
		InitialInterval: firstRetry, MaxInterval: lastRetry, Multiplier: 2, RandomizationFactor: jitter,
	}}
	s.backoff.Reset()
	for _, st := range c.streams.Load().numbered {
		s.wants = append(s.wants, st.topic.Wanted())
	}
	return s
}

func (s *supervisor) run(ctx context.Context) {
	s.comesRound(time.Now())
	defer s.round.Store(nil)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	defer s.settle()
	defer s.end()
	s.begin()
	for {
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errRemoved) {
				s.endStreams()
			}
			return
		case e, ok := <-s.events:
			if ok {
				s.handle(e)
			} else {
				s.lost()
			}
		case <-s.Camera.demand:
			s.follow()
		case a := <-s.adjustments:
			s.ask(a)
		case w := <-s.switches:
			w.answer <- s.obey(w.paused)
		case n := <-s.news:
			s.adopt(n.options)
			close(n.done)
		case <-s.retry:
			s.launch()
		case <-s.changes():
			s.launch()
		case r := <-s.dialing.received():
			s.dialed(r)
		case <-s.queued.granted():
			s.startWorker()
		case now := <-tick.C:
			s.comesRound(now)
			s.tick(now)
		}
	}
}

// begin opens the camera, or leaves it be until somebody watches or switches it on.
func (s *supervisor) begin() {
	s.still = stillness{} // what was seen before it slept says nothing
	switch {
	case s.paused:
		s.become(camera.Paused, camera.None, "")
	case s.opts.OnDemand && !s.wanted():
		s.become(camera.Idle, camera.None, "")
	default:
		s.become(camera.Starting, camera.None, "")
		s.launch()
	}
}

// changes receives while no worker runs or is about to. What changes while one tries to open the device makes another
// follow it: a node appears before it gets its permissions.
func (s *supervisor) changes() <-chan struct{} {
	if s.worker != nil || s.queued != nil {
		return nil
	}
	return s.appeared.changed()
}

// launch makes an attempt: as soon as the camera's server answers and few enough other cameras start.
func (s *supervisor) launch() {
	s.retry = nil
	s.update(func(st *camera.Status) { st.Retry = time.Time{} })
	if src := s.opts.Source; src.Network() && !s.met {
		s.dialing = s.servers.wait(src, s.opts.Open)
		return
	}
	s.met = false
	s.queued = s.starts.join()
}

// dialed goes on after an attempt to connect to the camera's server. While the server does not answer, more follow.
func (s *supervisor) dialed(r dialResult) {
	// camd links no C library: a name that only one of those can look up (mDNS, for instance) is for the worker to try.
	if _, name := errors.AsType[*net.DNSError](r.err); r.err != nil && !name {
		s.unreachable(r)
		return
	}
	s.dialing.close()
	s.dialing = nil
	if s.away && r.err == nil { // what went wrong before says nothing
		s.backoff.Reset()
		s.soon = streamRetries
	}
	s.away, s.met = false, true
	s.queued = s.starts.join()
}

// unreachable makes the camera offline until its server answers. An outage counts once, however often the server is dialed.
func (s *supervisor) unreachable(r dialResult) {
	reason, detail := reach.Explain(s.opts.Source.URL.Host, r.err)
	if !s.away || reason != s.reason {
		s.restarts[reason].Add(1)
	}
	s.away, s.still = true, stillness{}
	s.update(func(st *camera.Status) { st.Retry = r.next })
	s.become(camera.Offline, reason, detail)
}

// settle ends whatever waits for another attempt.
func (s *supervisor) settle() {
	s.retry = nil
	s.appeared.close()
	s.dialing.close()
	s.queued.release()
	s.appeared, s.dialing, s.queued = nil, nil, nil
	s.update(func(st *camera.Status) { st.Retry = time.Time{} })
}

// failed makes the camera offline and arranges for the next attempt.
func (s *supervisor) failed(reason camera.Reason, detail string) {
	s.restarts[reason].Add(1)
	if reason != camera.Frozen { // that one may well be so still when it is back
		s.still = stillness{}
	}
	if s.flowed {
		s.backoff.Reset()
		s.flowed, s.met, s.soon = false, false, streamRetries
	}
	if s.opts.OnDemand && !s.wanted() {
		s.settle()
		s.become(camera.Idle, camera.None, "")
		return
	}
	if reason == camera.EndOfFile && s.opts.Once {
		s.become(camera.Offline, reason, detail)
		return
	}
	wait := s.retryDelay(reason)
	s.retry = time.After(wait)
	if s.appeared == nil && (s.opts.Source.Kind == spec.Device || s.opts.Source.Kind == spec.File) {
		s.appeared = watch(s.opts.Source.Path, s.log)
	}
	s.update(func(st *camera.Status) { st.Retry = time.Now().Add(wait) })
	s.become(camera.Offline, reason, detail)
}

// retryDelay returns how long to wait after a failure.
func (s *supervisor) retryDelay(reason camera.Reason) time.Duration {
	switch {
	case reason == camera.Auth: // many cameras lock a user out after a few attempts with a wrong password
		return withJitter(lastRetry)
	case reason == camera.NotFound && s.soon > 0:
		s.soon--
		return withJitter(streamRetry)
	}
	return s.backoff.NextBackOff()
}

// wanted reports whether somebody reads any of the topics.
func (s *supervisor) wanted() bool { return slices.Contains(s.wants, true) }

// follow follows the topics' readers.
func (s *supervisor) follow() {
	before := s.wanted()
	for i, st := range s.streams.Load().numbered {
		if st == nil {
			continue
		}
		if wanted := st.topic.Wanted(); wanted != s.wants[i] {
			s.wants[i] = wanted
			s.turn(i, wanted)
		}
	}
	after := s.wanted()
	switch {
	case after == before || !s.opts.OnDemand || s.paused:
	case !after:
		s.end()
		s.settle()
		s.become(camera.Idle, camera.None, "")
	case s.state == camera.Idle:
		s.begin()
	}
}

// turn begins and ends a rendition.
func (s *supervisor) turn(rendition int, on bool) {
	if s.worker != nil {
		s.worker.send(wire.Demand{Rendition: uint8(rendition), Wanted: on})
	}
	switch {
	case rendition == 0: // of which there is a picture a second anyway
	case !on:
		s.streams.Load().numbered[rendition].topic.Retire()
	case s.state != camera.Live:
		s.publishCard(time.Now())
	}
}

// tick is the second hand: the rate, the placeholder, and patience with a worker that is silent.
func (s *supervisor) tick(now time.Time) {
	s.sample(now)
	if s.worker != nil {
		s.judge(now.Sub(s.progress))
	}
	if s.worker != nil {
		s.upkeep(now)
	}
	for _, st := range s.streams.Load().numbered {
		if st != nil {
			st.topic.Trim()
		}
	}
	if s.paused { // a process that was stuck may be gone
		s.become(camera.Paused, camera.None, s.hold())
	}
	switch {
	case s.state == camera.Live:
		s.remind()
	case s.wanted():
		s.publishCard(now)
	}
}
