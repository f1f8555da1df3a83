package source

import (
	"context"
	"runtime"
	"sync"
)

// Fleet is the cameras that run. It owns the goroutine of each and waits for it, also for those of cameras that are taken out
// while others go on. Run belongs to one goroutine; Reconfigure may be called from any, before Run, too.
type Fleet struct {
	members    []*member // once it runs, Run's alone
	requests   chan fleetRequest
	done       chan struct{} // closed when Run has returned
	startQueue *startQueue
	dialer     *serverDialer
	metrics    *Metrics
}

// member is a camera with its newest options.
type member struct {
	*Camera
	options Options
	cancel  context.CancelCauseFunc // nil until it runs
}

// NewFleet returns cameras that do nothing until Run. Their IDs differ. m, which also made their observers, gets the cameras to
// collect; it may be nil.
func NewFleet(wanted []Options, m *Metrics) *Fleet {
	f := &Fleet{
		requests:   make(chan fleetRequest),
		done:       make(chan struct{}),
		startQueue: newStartQueue(runtime.GOMAXPROCS(0)), // which respects a cgroup's quota
		dialer:     newServerDialer(),
		metrics:    m,
	}
	for _, o := range wanted {
		f.members = append(f.members, f.newMember(o))
	}
	m.setCameras(f.Cameras())
	return f
}

func (f *Fleet) newMember(o Options) *member {
	m := &member{Camera: New(o), options: o}
	m.startQueue, m.dialer = f.startQueue, f.dialer
	return m
}

// Cameras returns those of NewFleet, in their order. It may not be called once the fleet runs: Reconfigure says what there is then.
func (f *Fleet) Cameras() []*Camera { return camerasOf(f.members) }

func camerasOf(members []*member) (all []*Camera) {
	for _, m := range members {
		all = append(all, m.Camera)
	}
	return all
}

// Run keeps the cameras going until ctx ends, and returns when all that ever ran have ended.
func (f *Fleet) Run(ctx context.Context) {
	defer close(f.done)
	var running sync.WaitGroup
	defer running.Wait()
	startMember := func(m *member) {
		var memberCtx context.Context
		memberCtx, m.cancel = context.WithCancelCause(ctx)
		running.Go(func() { m.Run(memberCtx); m.cancel(nil) })
	}
	for _, m := range f.members {
		startMember(m)
	}
	for {
		select {
		case c := <-f.requests:
			c.reply <- f.reconfigure(ctx, c, startMember)
		case <-ctx.Done():
			return
		}
	}
}

// FleetChange says what a change has done, by the cameras' IDs. All others have not been touched.
type FleetChange struct{ Added, Removed, Adjusted, Reopened []string }

type fleetRequest struct {
	wanted  []Options
	publish func([]*Camera)
	reply   chan FleetChange // has room for it
}

// Reconfigure makes the cameras those that are wanted, with their IDs different and in their order. Of those that stay, each goes by
// its new options as Camera.Reconfigure has it, all of them at once. Then publish is called, once, with the cameras that there
// are from now on; then the others are ended, their streams first; and then the new ones begin. The error is ctx's, or says
// that the fleet has ended; then nothing was done.
func (f *Fleet) Reconfigure(ctx context.Context, wanted []Options, publish func([]*Camera)) (FleetChange, error) {
	c := fleetRequest{wanted, publish, make(chan FleetChange, 1)}
	select {
	case f.requests <- c:
		return <-c.reply, nil
	case <-f.done:
		return FleetChange{}, errCameraEnded
	case <-ctx.Done():
		return FleetChange{}, ctx.Err()
	}
}

// reconfigure applies a request. ctx is the fleet's: when it ends, what is left to do does not matter any more.
func (f *Fleet) reconfigure(ctx context.Context, c fleetRequest, startMember func(*member)) (changed FleetChange) {
	before := map[string]*member{}
	for _, m := range f.members {
		before[m.options.ID] = m
	}
	var now, added []*member
	var reconfiguring sync.WaitGroup
	for _, o := range c.wanted {
		m := before[o.ID]
		if m == nil {
			m = f.newMember(o)
			added, changed.Added = append(added, m), append(changed.Added, o.ID)
		} else {
			delete(before, o.ID)
			changed.add(o.ID, Compare(m.options, o))
			if Compare(m.options, o) != Same {
				m.options = o
				reconfiguring.Go(func() { _ = m.Reconfigure(ctx, o) }) // its error is that all ends
			}
		}
		now = append(now, m)
	}
	reconfiguring.Wait()
	f.metrics.setCameras(camerasOf(now))
	c.publish(camerasOf(now))
	for _, m := range f.members { // in their order
		if before[m.options.ID] == m {
			m.cancel(errRemoved)
			changed.Removed = append(changed.Removed, m.options.ID)
		}
	}
	for _, m := range before {
		<-m.done
	}
	for _, m := range added { // which may have the device of one that is gone
		startMember(m)
	}
	f.members = now
	return changed
}

func (c *FleetChange) add(id string, d Difference) {
	switch d {
	case Adjusted:
		c.Adjusted = append(c.Adjusted, id)
	case Reopened:
		c.Reopened = append(c.Reopened, id)
	}
}
