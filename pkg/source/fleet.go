package source

import (
	"context"
	"runtime"
	"sync"
)

// Fleet is the cameras that run. It owns the goroutine of each and waits for it, also for those of cameras that are taken out
// while others go on. Run belongs to one goroutine; Change may be called from any, before Run, too.
type Fleet struct {
	members []*member // once it runs, Run's alone
	changes chan fleetChange
	ended   chan struct{} // closed when Run has returned
	starts  *startQueue
	servers *serverDialer
}

// member is a camera with what it was last told to be.
type member struct {
	*Camera
	options Options
	leave   context.CancelCauseFunc // nil until it runs
}

// NewFleet returns cameras that do nothing until Run. Their IDs differ.
func NewFleet(wanted []Options) *Fleet {
	f := &Fleet{
		changes: make(chan fleetChange),
		ended:   make(chan struct{}),
		starts:  newStartQueue(runtime.GOMAXPROCS(0)), // which respects a cgroup's quota
		servers: newServerDialer(),
	}
	for _, o := range wanted {
		f.members = append(f.members, f.newMember(o))
	}
	return f
}

func (f *Fleet) newMember(o Options) *member {
	m := &member{Camera: New(o), options: o}
	m.starts, m.servers = f.starts, f.servers
	return m
}

// Cameras returns those of NewFleet, in their order. It may not be called once the fleet runs: Change says what there is then.
func (f *Fleet) Cameras() []*Camera { return camerasOf(f.members) }

func camerasOf(members []*member) (all []*Camera) {
	for _, m := range members {
		all = append(all, m.Camera)
	}
	return all
}

// Run keeps the cameras going until ctx ends, and returns when all that ever ran have ended.
func (f *Fleet) Run(ctx context.Context) {
	defer close(f.ended)
	var running sync.WaitGroup
	defer running.Wait()
	begin := func(m *member) {
		var own context.Context
		own, m.leave = context.WithCancelCause(ctx)
		running.Go(func() { m.Run(own); m.leave(nil) })
	}
	for _, m := range f.members {
		begin(m)
	}
	for {
		select {
		case c := <-f.changes:
			c.done <- f.change(ctx, c, begin)
		case <-ctx.Done():
			return
		}
	}
}

// Changed says what a change has done, by the cameras' IDs. All others have not been touched.
type Changed struct{ Added, Removed, Adjusted, Reopened []string }

type fleetChange struct {
	wanted []Options
	show   func([]*Camera)
	done   chan Changed // has room for it
}

// Change makes the cameras those that are wanted, with their IDs different and in their order. Of those that stay, each goes by
// its new options as Camera.Reconfigure has it, all of them at once. Then show is called, once, with the cameras that there
// are from now on; then the others are ended, their streams first; and then the new ones begin. The error is ctx's, or says
// that the fleet has ended; then nothing was done.
func (f *Fleet) Change(ctx context.Context, wanted []Options, show func([]*Camera)) (Changed, error) {
	c := fleetChange{wanted, show, make(chan Changed, 1)}
	select {
	case f.changes <- c:
		return <-c.done, nil
	case <-f.ended:
		return Changed{}, errGone
	case <-ctx.Done():
		return Changed{}, ctx.Err()
	}
}

// change does it. ctx is the fleet's: when it ends, what is left to do does not matter any more.
func (f *Fleet) change(ctx context.Context, c fleetChange, begin func(*member)) (done Changed) {
	before := map[string]*member{}
	for _, m := range f.members {
		before[m.options.ID] = m
	}
	var now, added []*member
	var adopting sync.WaitGroup
	for _, o := range c.wanted {
		m := before[o.ID]
		if m == nil {
			m = f.newMember(o)
			added, done.Added = append(added, m), append(done.Added, o.ID)
		} else {
			delete(before, o.ID)
			done.note(o.ID, Compare(m.options, o))
			if Compare(m.options, o) != Same {
				m.options = o
				adopting.Go(func() { _ = m.Reconfigure(ctx, o) }) // its error is that all ends
			}
		}
		now = append(now, m)
	}
	adopting.Wait()
	c.show(camerasOf(now))
	for _, m := range f.members { // in their order
		if before[m.options.ID] == m {
			m.leave(errRemoved)
			done.Removed = append(done.Removed, m.options.ID)
		}
	}
	for _, m := range before {
		<-m.gone
	}
	for _, m := range added { // which may have the device of one that is gone
		begin(m)
	}
	f.members = now
	return done
}

func (c *Changed) note(id string, d Difference) {
	switch d {
	case Adjusted:
		c.Adjusted = append(c.Adjusted, id)
	case Reopened:
		c.Reopened = append(c.Reopened, id)
	}
}
