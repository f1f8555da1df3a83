package capture

import (
	"context"
	"runtime"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// source is an opened camera. Its methods belong to the goroutine that opened it.
type source interface {
	// opened describes the source.
	opened() wire.Opened
	// next waits for the next picture, and may already put it into m. Its error is ctx's, or says why there is no picture.
	next(ctx context.Context, m *gocv.Mat) error
	// retrieve puts the picture that next waited for into the same m. It returns false if there is no whole picture.
	retrieve(m *gocv.Mat) bool
	// close is called once.
	close()
}

// timestampedSource is a source that knows when its newest picture was taken, by CLOCK_MONOTONIC in nanoseconds.
type timestampedSource interface{ captured() int64 }

// countedSource is a source that knows the number of its newest picture, from 1 on.
type countedSource interface{ count() uint64 }

// hidingSource is a source whose newest picture may only be needed to decode later ones.
type hidingSource interface{ isHidden() bool }

// jpegSource is a source that reads JPEGs without OpenCV. Its retrieve is not called.
type jpegSource interface {
	source
	// takeJPEG returns the picture that next waited for, and when its first byte came. spare is memory for another one.
	takeJPEG(spare []byte) (jpeg []byte, captured int64)
}

// retrieveFrom puts the picture that src waited for into p.
func (f *frame) retrieveFrom(src source) bool {
	if s, ok := src.(jpegSource); ok {
		f.jpeg, f.captured = s.takeJPEG(f.jpeg)
		return true
	}
	return src.retrieve(&f.mat) && !f.mat.Empty()
}

// sourceReader is the goroutine that owns the source.
type sourceReader struct {
	*session
	start  wire.Start
	src    sourceurl.Source
	opened chan wire.Opened
	ended  chan error    // one value: why it ended
	closed chan struct{} // closed when all objects of OpenCV have been freed

	nextHidden int64 // when the next heartbeat of a hidden picture is due, by CLOCK_MONOTONIC
}

// run opens, reads and closes the source. It frees the pictures once the sender has released them.
func (s *sourceReader) run(ctx context.Context, release <-chan struct{}) {
	defer close(s.closed)
	src, err := s.open(ctx)
	if err == nil {
		err = s.read(ctx, src)
	}
	s.ended <- err
	if src != nil {
		src.close()
	}
	<-release
	s.frames.close()
}

// waitClosed waits for run and the control worker to end, but not for a call inside OpenCV or a driver to return.
func (s *sourceReader) waitClosed() {
	t := time.NewTimer(closeTimeout)
	defer t.Stop()
	for _, closed := range []chan struct{}{s.closed, s.controls.closed} {
		select {
		case <-closed:
		case <-t.C:
			return
		}
	}
}

// read reads pictures until the source or ctx ends. Its error is never nil.
func (s *sourceReader) read(ctx context.Context, src source) error {
	select {
	case s.opened <- src.opened():
	case <-ctx.Done():
		return ctx.Err()
	}
	if !src.opened().Passthrough {
		// The reader and the sender each have a thread of their own. Moving between threads from call to call of OpenCV costs
		// about five percent of reading and encoding H.264. Passthrough has little to do between waits. Waking one fixed
		// thread would cost a fifth there.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	if video, ok := src.(videoSource); ok {
		return s.readVideo(ctx, video)
	}
	timestamped, _ := src.(timestampedSource)
	counted, _ := src.(countedSource)
	hiding, _ := src.(hidingSource)
	p := s.frames.acquire()
	for count := uint64(1); ; count++ {
		if err := src.next(ctx, &p.mat); err != nil {
			return err
		}
		if counted != nil {
			count = counted.count()
		}
		if p.count = count; timestamped != nil {
			p.captured = timestamped.captured()
		} else {
			p.captured = monotonic()
		}
		if hiding != nil && hiding.isHidden() {
			s.hide(p.captured, count)
			continue
		}
		if p.wanted = s.scheduler.dueRenditions(p.captured, count); p.wanted == 0 {
			if s.scheduler.heartbeatDue(p.captured) {
				s.frames.setHeartbeat(wire.Heartbeat{Captured: p.captured, Count: count})
			}
			continue
		}
		if p.retrieveFrom(src) {
			p = s.frames.publish(p)
		}
	}
}

// hide sends at most a heartbeat for a picture that nobody wants. These pictures come faster than they were captured, and may be older than
// those before them. So the time since the last heartbeat is that of the clock.
func (s *sourceReader) hide(captured int64, count uint64) {
	s.scheduler.skip(count)
	if advanceIfDue(&s.nextHidden, monotonic(), heartbeatInterval) {
		s.frames.setHeartbeat(wire.Heartbeat{Captured: captured, Count: count})
	}
}

// readVideo reads frames until the source or ctx ends. Each frame is sent, because a decoder needs the ones before. If camd does not take
// them, reading waits: a file is then played later, and a server's network connection fills.
func (s *sourceReader) readVideo(ctx context.Context, src videoSource) error {
	for count := uint64(1); ; count++ {
		f, err := src.nextVideo(ctx)
		if err != nil {
			return err
		}
		now := monotonic()
		if f.refused != "" {
			s.frames.countRefused(f.refused, f.size)
			if s.scheduler.heartbeatDue(now) {
				s.frames.setHeartbeat(wire.Heartbeat{Captured: now, Count: count})
			}
			continue
		}
		f.header.Captured, f.header.Count = now, count
		select {
		case s.videos <- f:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reopened tells camd that the source goes on in another format.
func (s *sourceReader) reopened(ctx context.Context, o wire.Opened) {
	select {
	case s.opened <- o:
	case <-ctx.Done():
	}
}

// monotonic returns the time of CLOCK_MONOTONIC in nanoseconds, which camd and its capture processes share.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("clock_gettime: " + err.Error()) // the kernel has had it since 2.6
	}
	return ts.Nano()
}
