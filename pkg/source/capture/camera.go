package capture

import (
	"context"
	"runtime"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	"camd/pkg/source/spec"
	"camd/pkg/source/wire"
)

// source is an opened camera. Its methods belong to the goroutine that opened it.
type source interface {
	// opened says what the source turned out to be.
	opened() wire.Opened
	// next waits for the next picture, and may already put it into m. Its error is ctx's, or says why there is none.
	next(ctx context.Context, m *gocv.Mat) error
	// fill puts the picture that next waited for into the same m. False means that this one is not to be had.
	fill(m *gocv.Mat) bool
	// close is called once.
	close()
}

// clocked is a source that knows when the picture that next waited for was taken, in CLOCK_MONOTONIC.
type clocked interface{ captured() int64 }

// jpegSource is a source that reads JPEGs by itself; fill is not asked.
type jpegSource interface {
	source
	// take returns the picture that next waited for, and when its first byte came. spare is memory for another one.
	take(spare []byte) (jpeg []byte, captured int64)
}

// fill puts the picture that src waited for into p.
func (p *picture) fill(src source) bool {
	if s, ok := src.(jpegSource); ok {
		p.jpeg, p.captured = s.take(p.jpeg)
		return true
	}
	return src.fill(&p.mat) && !p.mat.Empty()
}

// camera is the goroutine that owns the source.
type camera struct {
	*session
	start  wire.Start
	src    spec.Source
	opened chan wire.Opened
	ended  chan error    // one value: why it ended
	closed chan struct{} // closed when everything of OpenCV's has been freed
}

// run opens, reads and closes the source. It frees the pictures once the sender has released them.
func (c *camera) run(ctx context.Context, release <-chan struct{}) {
	defer close(c.closed)
	src, err := c.open(ctx)
	if err == nil {
		err = c.read(ctx, src)
	}
	c.ended <- err
	if src != nil {
		src.close()
	}
	<-release
	c.pictures.close()
}

// await waits for run and the panel to end, but not for a call inside OpenCV or a driver to return.
func (c *camera) await() {
	t := time.NewTimer(patience)
	defer t.Stop()
	for _, closed := range []chan struct{}{c.closed, c.panel.closed} {
		select {
		case <-closed:
		case <-t.C:
			return
		}
	}
}

// read reads pictures for ever; its error says why it ended.
func (c *camera) read(ctx context.Context, src source) error {
	select {
	case c.opened <- src.opened():
	case <-ctx.Done():
		return ctx.Err()
	}
	if !src.opened().Passthrough {
		// On a thread of its own, as the sender: moving from thread to thread between the calls of OpenCV costs about five
		// percent of reading and encoding H.264. Where there is little to do between waits, having to wake the one thread
		// costs more than that: a fifth.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	clock, _ := src.(clocked)
	p := c.pictures.blank()
	for count := uint64(1); ; count++ {
		if err := src.next(ctx, &p.mat); err != nil {
			return err
		}
		if p.count = count; clock != nil {
			p.captured = clock.captured()
		} else {
			p.captured = monotonic()
		}
		if p.wanted = c.due.wanted(p.captured, count); p.wanted == 0 {
			if c.due.beat(p.captured) {
				c.pictures.note(wire.Beat{Captured: p.captured, Count: count})
			}
			continue
		}
		if p.fill(src) {
			p = c.pictures.put(p)
		}
	}
}

// monotonic is the clock that camd and its capture processes share.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("clock_gettime: " + err.Error()) // the kernel has had it since 2.6
	}
	return ts.Nano()
}
