package source

import (
	"go.uber.org/zap"

	"context"
	"runtime"
	"sync"
)

// Fleet runs cameras. It owns one goroutine for each camera and waits for it to end, also when a camera is removed while others run.
// Call Run once. Reconfigure is safe for concurrent use; called before Run, it waits for Run.
type Fleet struct {
	cameras     []*fleetCamera // while Run runs, only its goroutine uses them
	requests    chan fleetRequest
	done        chan struct{} // closed when Run has returned
	startQueue  *startQueue
	decodeQueue *startQueue
	dialer      *serverDialer
	readers     *readerPool
	metrics     *Metrics
}

// fleetCamera is a camera with its newest options.
type fleetCamera struct {
	*Camera
	options Options
	cancel  context.CancelCauseFunc // ends the camera; nil until it runs
}

// NewFleet returns a fleet of the wanted cameras, which do nothing until Run. Their IDs must differ. m collects the cameras' metrics
// and must be the one that made their observers; it may be nil. log is for what concerns all cameras.
func NewFleet(wanted []Options, m *Metrics, log *zap.Logger) *Fleet {
	f := &Fleet{
		requests:    make(chan fleetRequest),
		done:        make(chan struct{}),
		startQueue:  newStartQueue(runtime.GOMAXPROCS(0)), // which respects a cgroup's quota
		decodeQueue: newStartQueue(decodeSlots),
		dialer:      newServerDialer(),
		readers:     newReaderPool(thisProgram, log),
		metrics:     m,
	}
	for _, o := range wanted {
		f.cameras = append(f.cameras, f.newCamera(o))
	}
	m.setCameras(f.Cameras())
	m.setReaders(f.readers)
	return f
}

func (f *Fleet) newCamera(o Options) *fleetCamera {
	c := &fleetCamera{Camera: New(o), options: o}
	c.startQueue, c.decodeQueue, c.dialer, c.readers, c.ownsReaders = f.startQueue, f.decodeQueue, f.dialer, f.readers, false
	return c
}

// Cameras returns the cameras of NewFleet, in their order. Do not call it while the fleet runs: Reconfigure passes the cameras to its
// publish function.
func (f *Fleet) Cameras() []*Camera { return camerasOf(f.cameras) }

func camerasOf(cameras []*fleetCamera) (all []*Camera) {
	for _, c := range cameras {
		all = append(all, c.Camera)
	}
	return all
}

// Run runs the cameras until ctx ends. It returns when all cameras have ended, also those that were removed before.
func (f *Fleet) Run(ctx context.Context) {
	defer close(f.done)
	defer f.readers.close()
	var running sync.WaitGroup
	defer running.Wait()
	startCamera := func(c *fleetCamera) {
		var cameraCtx context.Context
		cameraCtx, c.cancel = context.WithCancelCause(ctx)
		running.Go(func() { c.Run(cameraCtx); c.cancel(nil) })
	}
	for _, c := range f.cameras {
		startCamera(c)
	}
	for {
		select {
		case r := <-f.requests:
			r.reply <- f.reconfigure(ctx, r, startCamera)
		case <-ctx.Done():
			return
		}
	}
}

// FleetChange lists what Fleet.Reconfigure has done, by the cameras' IDs. It has done nothing to all other cameras.
type FleetChange struct{ Added, Removed, Adjusted, Reopened []string }

// fleetRequest is a request to Fleet.Run.
type fleetRequest struct {
	wanted  []Options
	publish func([]*Camera)
	reply   chan FleetChange // has room for the reply
}

// Reconfigure replaces the cameras of the fleet by the wanted ones. Their IDs must differ. It goes in this order:
//
//  1. Cameras whose ID stays get their new options by Camera.Reconfigure, all at the same time.
//  2. It calls publish once, with all wanted cameras in their order.
//  3. Cameras that are not wanted any more end: their streams first, then their processes.
//  4. New cameras start.
//
// The error is ctx's, or says that the fleet has ended. On an error, nothing was changed.
func (f *Fleet) Reconfigure(ctx context.Context, wanted []Options, publish func([]*Camera)) (FleetChange, error) {
	r := fleetRequest{wanted, publish, make(chan FleetChange, 1)}
	select {
	case f.requests <- r:
		return <-r.reply, nil
	case <-f.done:
		return FleetChange{}, errCameraEnded
	case <-ctx.Done():
		return FleetChange{}, ctx.Err()
	}
}

// reconfigure applies a request. ctx is that of Run: when it ends, all cameras end, and the rest of the request has no effect.
func (f *Fleet) reconfigure(ctx context.Context, r fleetRequest, startCamera func(*fleetCamera)) (changed FleetChange) {
	before := map[string]*fleetCamera{}
	for _, c := range f.cameras {
		before[c.options.ID] = c
	}
	var now, added []*fleetCamera
	var reconfiguring sync.WaitGroup
	for _, o := range r.wanted {
		c := before[o.ID]
		if c == nil {
			c = f.newCamera(o)
			added, changed.Added = append(added, c), append(changed.Added, o.ID)
		} else {
			delete(before, o.ID)
			changed.add(o.ID, Compare(c.options, o))
			if Compare(c.options, o) != Same {
				c.options = o
				reconfiguring.Go(func() { _ = c.Reconfigure(ctx, o) }) // it fails only when all cameras end
			}
		}
		now = append(now, c)
	}
	reconfiguring.Wait()
	f.metrics.setCameras(camerasOf(now))
	r.publish(camerasOf(now))
	for _, c := range f.cameras { // in their order
		if before[c.options.ID] == c {
			c.cancel(errRemoved)
			changed.Removed = append(changed.Removed, c.options.ID)
		}
	}
	for _, c := range before {
		<-c.done
	}
	for _, c := range added { // last, because a new camera may use the device of a removed one
		startCamera(c)
	}
	f.cameras = now
	return changed
}

func (f *FleetChange) add(id string, d Difference) {
	switch d {
	case Adjusted:
		f.Adjusted = append(f.Adjusted, id)
	case Reopened:
		f.Reopened = append(f.Reopened, id)
	}
}
