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

// Compare says what it takes to go from one camera's options to others for it. Their Observer, Log and Worker are not looked at:
// they are where a camera runs, and not what it is.
func Compare(before, now Options) Difference {
	before, now = before.filled(), now.filled()
	switch {
	case !reflect.DeepEqual(before.opening(), now.opening()):
		return Reopened
	case !reflect.DeepEqual(before.bare(), now.bare()):
		return Adjusted
	}
	return Same
}

// opening is what a capture process is told once, when it begins; all else it can be told later, or need not know.
func (o Options) opening() wire.Start {
	s := o.start()
	s.Quality, s.OpenTimeout, s.ReadTimeout, s.Memory = 0, 0, 0, 0
	return s
}

func (o Options) bare() Options {
	o.Observer, o.Log, o.Worker, o.Budget = nil, nil, "", nil
	return o
}

// Reconfigure gives the camera, which keeps its ID, other options. When it returns it goes by them. Where nothing but a new
// capture process will do, as Compare says, the old one has ended and the camera is being opened anew; its viewers stay. What a
// person has switched goes before Paused. The error is ctx's, or that Run has returned; then nothing was done.
func (c *Camera) Reconfigure(ctx context.Context, o Options) error {
	n := news{o.filled(), make(chan struct{})}
	select {
	case c.news <- n:
		<-n.done // for as long as a process may take to end
		return nil
	case <-c.gone:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

// news is a request to the camera's goroutine.
type news struct {
	options Options
	done    chan struct{} // closed when it is done
}

// adopt makes the options those that the camera goes by.
func (s *supervisor) adopt(now Options) {
	before := s.opts
	now.ID, now.Log = before.ID, before.Log
	s.opts = now
	s.update(func(st *camera.Status) {
		st.Title, st.Site, st.Source, st.Worker.LimitBytes = now.Title, now.Site, now.Source.String(), uint64(max(now.Memory, 0))
	})
	if now.Title != before.Title {
		s.cards = nil
	}
	s.restream(now.Renditions)
	difference := Compare(before, now)
	s.want(before.Controls)
	if difference == Reopened && before.Source.Address() != now.Source.Address() { // of another device
		clear(s.kept)
		maps.Copy(s.kept, now.Controls)
	}
	switch {
	case now.Paused != before.Paused && now.Paused != s.paused && !s.switched:
		s.turnTo(now.Paused)
	case s.paused:
	case difference == Reopened:
		s.reopen()
	case s.state == camera.Idle || now.OnDemand && !s.wanted():
		s.rest()
	}
	if s.worker != nil && difference != Reopened {
		s.retell()
	}
	if s.state != camera.Live && s.cards == nil {
		s.publishCard(time.Now())
	}
}

// retell tells a worker that goes on what is wanted of it now.
func (s *supervisor) retell() {
	list := s.streams.Load().onWire()
	s.worker.renditions.Store(max(s.worker.renditions.Load(), int32(1+len(list)))) // before it hears of them
	s.worker.send(wire.Renditions{Quality: s.opts.Quality, List: list})
	s.pay()
}

// reopen has another worker open what is to be opened now. Viewers are told first: a process may take seconds to end.
func (s *supervisor) reopen() {
	s.settle()
	s.backoff.Reset() // what went wrong before says nothing
	if s.opts.OnDemand && !s.wanted() {
		s.rest()
		return
	}
	s.still = stillness{}
	s.become(camera.Starting, camera.Reconfigured, "")
	if s.worker != nil {
		s.restarts[camera.Reconfigured].Add(1)
	}
	s.end()
	s.launch()
}

// rest lets a camera sleep that is opened on demand, if nobody watches, or wakes it.
func (s *supervisor) rest() {
	switch {
	case !s.opts.OnDemand || s.wanted():
		s.begin()
	case s.state != camera.Idle:
		s.end()
		s.settle()
		s.become(camera.Idle, camera.None, "")
	}
}
