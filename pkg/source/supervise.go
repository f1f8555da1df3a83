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

// Limits on waiting between attempts. The jitter keeps cameras behind one switch from knocking in step.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 25 * time.Second // 30 s with the jitter
	jitter     = 0.2
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
	knock     *knock
	met       bool // the last knock was answered, and no picture followed: a server for one client at a time may have taken it for that one
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
		case err := <-s.knock.answer():
			s.knocked(err)
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

// changes receives while no worker runs. What changes while one tries to open the device makes another follow it: a node
// appears before it gets its permissions.
func (s *supervisor) changes() <-chan struct{} {
	if s.worker != nil {
		return nil
	}
	return s.appeared.changed()
}

// launch makes an attempt: at once, or as soon as the camera's server answers.
func (s *supervisor) launch() {
	s.retry = nil
	s.update(func(st *camera.Status) { st.Retry = time.Time{} })
	if src := s.opts.Source; src.Network() && !s.met {
		s.knock = newKnock(src, s.opts.Open)
		return
	}
	s.met = false
	s.startWorker()
}

// knocked goes on after the camera's server was tried.
func (s *supervisor) knocked(err error) {
	s.knock.close()
	s.knock = nil
	// camd links no C library: a name that only one of those can look up (mDNS, for instance) is for the worker to try.
	if _, name := errors.AsType[*net.DNSError](err); err != nil && !name {
		reason, detail := reach.Explain(s.opts.Source.URL.Host, err)
		s.failed(reason, detail)
		return
	}
	s.met = true
	s.startWorker()
}

// settle ends whatever waits for another attempt.
func (s *supervisor) settle() {
	s.retry = nil
	s.appeared.close()
	s.knock.close()
	s.appeared, s.knock = nil, nil
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
		s.flowed, s.met = false, false
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
	wait := s.backoff.NextBackOff()
	s.retry = time.After(wait)
	if s.appeared == nil && (s.opts.Source.Kind == spec.Device || s.opts.Source.Kind == spec.File) {
		s.appeared = watch(s.opts.Source.Path, s.log)
	}
	s.update(func(st *camera.Status) { st.Retry = time.Now().Add(wait) })
	s.become(camera.Offline, reason, detail)
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
