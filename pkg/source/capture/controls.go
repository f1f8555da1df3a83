package capture

import (
	"context"
	"errors"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/v4l2"
	"camd/pkg/source/wire"
)

// openDeviceWithControls sets the controls of a device and opens it. The control worker tries the settings again that the device
// refused: some drivers accept them only after a format was set.
func (s *sourceReader) openDeviceWithControls(ctx context.Context, path string) (source, error) {
	pending := s.start.Controls
	if len(pending) > 0 {
		pending = restoreControls(path, pending)
	}
	src, err := openDevice(ctx, path, s.start)
	if err == nil {
		s.controls.setTarget(controlTarget{path, pending})
	}
	return src, err
}

// restoreTimeout is how long a driver may take to set its controls before the camera is opened without them.
const restoreTimeout = time.Second

// restoreControls sets the controls that it can, and returns the settings that are left. If the driver hangs, restoreControls returns all
// settings after restoreTimeout and leaves its goroutine behind, so that the camera is opened anyway.
func restoreControls(path string, all map[string]camera.Setting) map[string]camera.Setting {
	result := make(chan map[string]error, 1)
	go func() { result <- v4l2.RestoreControls(path, all) }() // ends with the driver, or with the process
	select {
	case refused := <-result:
		pending := map[string]camera.Setting{}
		for name := range refused {
			pending[name] = all[name]
		}
		return pending
	case <-time.After(restoreTimeout):
		return all
	}
}

// controlWorker reads and sets image controls in a goroutine of its own. It opens the device again for each request, which V4L2
// allows during a capture. A driver that hangs in a request therefore blocks neither pictures nor commands.
type controlWorker struct {
	target   chan controlTarget // one value: the device to serve
	requests chan wire.SetControls
	replies  chan wire.Controls
	closed   chan struct{} // closed when run has ended
}

// controlTarget is the device to serve, and the settings that are still to be set. An empty path means a source without controls.
type controlTarget struct {
	path    string
	pending map[string]camera.Setting
}

// maxQueuedRequests is how many requests may wait while the driver is busy with another.
const maxQueuedRequests = 4

func newControlWorker() *controlWorker {
	return &controlWorker{
		target:   make(chan controlTarget, 1),
		requests: make(chan wire.SetControls, maxQueuedRequests),
		replies:  make(chan wire.Controls, 2*maxQueuedRequests), // for all requests that camd may have open
		closed:   make(chan struct{}),
	}
}

// setTarget sets the device to serve. It is called once.
func (c *controlWorker) setTarget(b controlTarget) { c.target <- b }

// enqueue adds a request to the queue. It never blocks: if the queue is full, the reply is an error.
func (c *controlWorker) enqueue(m wire.SetControls) {
	select {
	case c.requests <- m:
		return
	default:
	}
	select {
	case c.replies <- wire.Controls{Request: m.Request, ErrorKind: string(camera.ControlsTimeout), Detail: "the driver has not answered earlier requests: try again later"}:
	default: // the queue of replies is full, too
	}
}

// run serves requests until ctx ends.
func (c *controlWorker) run(ctx context.Context) {
	defer close(c.closed)
	var b controlTarget
	select {
	case b = <-c.target:
	case <-ctx.Done():
		return
	}
	if b.path != "" {
		c.reply(ctx, b.initialControls())
	}
	for {
		select {
		case m := <-c.requests:
			c.reply(ctx, b.handle(m))
		case <-ctx.Done():
			return
		}
	}
}

func (c *controlWorker) reply(ctx context.Context, a wire.Controls) {
	select {
	case c.replies <- a:
	case <-ctx.Done():
	}
}

// initialControls returns the device's controls, and the settings that failed.
func (c *controlTarget) initialControls() wire.Controls {
	var refused map[string]string
	if len(c.pending) > 0 {
		refused = map[string]string{}
		for name, err := range v4l2.RestoreControls(c.path, c.pending) {
			refused[name] = err.Error()
		}
	}
	a := c.handle(wire.SetControls{})
	a.Refused = refused
	return a
}

// handle executes a request and returns the reply.
func (c *controlTarget) handle(m wire.SetControls) wire.Controls {
	if c.path == "" {
		return wire.Controls{Request: m.Request, ErrorKind: string(camera.NoControls), Detail: "this source has no controls"}
	}
	list, err := v4l2.SetControls(c.path, m.Set)
	a := wire.Controls{Request: m.Request, List: list}
	if e, ok := errors.AsType[*camera.ControlError](err); ok {
		a.ErrorKind, a.Detail = string(e.Kind), e.Detail
	}
	return a
}
