package capture

import (
	"context"
	"errors"
	"time"

	condition "camd/pkg/camera"
	"camd/pkg/source/v4l2"
	"camd/pkg/source/wire"
)

// openAdjusted opens a device with its controls set as camd wants them, before the first picture is taken. What the
// device does not take yet is tried again by the panel: with some drivers a format must be set before.
func (c *camera) openAdjusted(ctx context.Context, path string) (source, error) {
	left := settings(c.start.Controls)
	if len(left) > 0 {
		left = restored(path, left)
	}
	src, err := openDevice(ctx, path, c.start)
	if err == nil {
		c.panel.begin(bench{path, left})
	}
	return src, err
}

// obedient is how long a driver may take to set its controls before the camera is opened without them.
const obedient = time.Second

// restored sets what it can, and returns what is left to be set. A driver that hangs in it must not keep the camera from
// being opened: it is left to it, and the panel tries everything again.
func restored(path string, all map[string]condition.Setting) map[string]condition.Setting {
	result := make(chan map[string]error, 1)
	go func() { result <- v4l2.Restore(path, all) }() // ends with the driver, or with the process
	select {
	case refused := <-result:
		left := map[string]condition.Setting{}
		for name := range refused {
			left[name] = all[name]
		}
		return left
	case <-time.After(obedient):
		return all
	}
}

// panel serves the image controls. It has a goroutine and, for each request, a descriptor of its own, which V4L2 allows
// beside a running capture: a driver that hangs in one of them holds up neither pictures nor commands.
type panel struct {
	opened   chan bench // one value: what to serve
	requests chan wire.Adjust
	answers  chan wire.Controls
	closed   chan struct{} // closed when run has ended
}

// bench is an opened source and what is still to be set. Without a path, it is one that has no controls.
type bench struct {
	path string
	left map[string]condition.Setting
}

// backlog is how many requests may wait while the driver is busy with another.
const backlog = 4

func newPanel() *panel {
	return &panel{
		opened:   make(chan bench, 1),
		requests: make(chan wire.Adjust, backlog),
		answers:  make(chan wire.Controls, 2*backlog), // for as many requests as camd has under way at most
		closed:   make(chan struct{}),
	}
}

// begin says what there is to serve. It is called once.
func (p *panel) begin(b bench) { p.opened <- b }

// ask passes a request on. It never blocks: beyond the backlog the answer is that there is none.
func (p *panel) ask(m wire.Adjust) {
	select {
	case p.requests <- m:
		return
	default:
	}
	select {
	case p.answers <- wire.Controls{Request: m.Request, Trouble: string(condition.ControlsTimeout), Detail: "the driver has not answered earlier requests yet"}:
	default: // nobody takes answers either
	}
}

// run serves requests until ctx ends.
func (p *panel) run(ctx context.Context) {
	defer close(p.closed)
	var b bench
	select {
	case b = <-p.opened:
	case <-ctx.Done():
		return
	}
	if b.path != "" {
		p.answer(ctx, b.first())
	}
	for {
		select {
		case m := <-p.requests:
			p.answer(ctx, b.serve(m))
		case <-ctx.Done():
			return
		}
	}
}

func (p *panel) answer(ctx context.Context, a wire.Controls) {
	select {
	case p.answers <- a:
	case <-ctx.Done():
	}
}

// first tells camd what controls there are, and which of its wishes failed.
func (b *bench) first() wire.Controls {
	var refused map[string]string
	if len(b.left) > 0 {
		refused = map[string]string{}
		for name, err := range v4l2.Restore(b.path, b.left) {
			refused[name] = err.Error()
		}
	}
	a := b.serve(wire.Adjust{})
	a.Refused = refused
	return a
}

func (b *bench) serve(m wire.Adjust) wire.Controls {
	if b.path == "" {
		return wire.Controls{Request: m.Request, Trouble: string(condition.NoControls), Detail: "this source has no controls"}
	}
	list, err := v4l2.Adjust(b.path, settings(m.Set))
	a := wire.Controls{Request: m.Request}
	if e, ok := errors.AsType[*condition.ControlError](err); ok {
		a.Trouble, a.Detail = string(e.Trouble), e.Detail
	}
	for _, c := range list {
		a.List = append(a.List, wire.Control(c))
	}
	return a
}

func settings(from map[string]wire.Setting) map[string]condition.Setting {
	to := make(map[string]condition.Setting, len(from))
	for name, s := range from {
		to[name] = condition.Setting(s)
	}
	return to
}
