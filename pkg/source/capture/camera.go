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
	due := due{renditions: make([]pace, len(c.start.Renditions))}
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
		// Asked at each picture, so that the first one after demand has come is sent.
		if p.wanted = due.wanted(p.captured, c.wanted.Load(), c.start.Renditions); p.wanted == 0 {
			if due.beat(p.captured) {
				c.pictures.note(wire.Beat{Captured: p.captured, Count: count})
			}
			continue
		}
		if p.fill(src) {
			p = c.pictures.put(p)
		}
	}
}

// Without demand, one picture in keepWarm is sent, and one in heartbeat mentioned.
const (
	keepWarm  = int64(time.Second)
	heartbeat = int64(200 * time.Millisecond)
)

// due keeps the appointments of a source that nobody watches, and those of its renditions.
type due struct {
	nextPicture, nextBeat int64
	renditions            []pace
}

// pace is a rendition's; the zero value is for one that nobody watches.
type pace struct{ next int64 }

func (d *due) beat(now int64) bool { return meet(&d.nextBeat, now, heartbeat) }

// wanted returns the renditions of which a picture is due, a bit for each, out of those that are asked for.
func (d *due) wanted(now int64, asked uint32, renditions []wire.Rendition) uint32 {
	wanted := asked & 1
	if meet(&d.nextPicture, now, keepWarm) {
		wanted = 1
	}
	for i, r := range renditions {
		bit := uint32(2) << i
		switch p := &d.renditions[i]; {
		case asked&bit == 0:
			*p = pace{}
		case r.FPS <= 0 || meet(&p.next, now, int64(float64(time.Second)/r.FPS)):
			wanted |= bit
		}
	}
	return wanted
}

// meet reports whether the appointment at *next has come, and makes the next one: from the last one on, so that a
// camera of one picture a second is not found early every other time, or from now where that has passed too.
func meet(next *int64, now, period int64) bool {
	if now < *next {
		return false
	}
	if *next += period; *next <= now {
		*next = now + period
	}
	return true
}

// monotonic is the clock that camd and its capture processes share.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("clock_gettime: " + err.Error()) // the kernel has had it since 2.6
	}
	return ts.Nano()
}
