package mjpeg

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/streaming"
)

// newFrameFilter returns a function that decides which frames a viewer gets, by frames per second and bytes per second; 0 is no limit.
// Without a limit it returns nil.
func newFrameFilter(fps float64, bytesPerSecond int64) func(*broker.Frame) fanout.Decision {
	if fps == 0 && bytesPerSecond == 0 {
		return nil
	}
	fpsLimit, byteLimit := newFPSLimiter(fps), &streaming.ByteLimiter{Rate: float64(bytesPerSecond)}
	return func(f *broker.Frame) fanout.Decision {
		switch {
		case f.Placeholder: // it shows a change of state, and is always sent
		case !fpsLimit.allow(f.Captured):
			return fanout.SkipRate
		case !byteLimit.Allow(len(f.Wire), f.Captured):
			return fanout.SkipOverLimit
		}
		return fanout.Send
	}
}

// fpsLimiter limits the frame rate of a stream: it allows the frames that are due. It counts by capture times, so that delays of the
// viewer do not change what it sees.
type fpsLimiter struct {
	interval time.Duration // 0: everything is due
	next     time.Time
}

func newFPSLimiter(fps float64) *fpsLimiter { return &fpsLimiter{interval: camera.FrameInterval(fps)} }

// allow reports whether a frame captured at t is due.
func (f *fpsLimiter) allow(t time.Time) bool {
	if f.interval == 0 {
		return true
	}
	// Cameras jitter: a frame that is slightly early counts as due.
	if t.Before(f.next.Add(-min(f.interval/4, 20*time.Millisecond))) {
		return false
	}
	if late := t.Sub(f.next); late > f.interval {
		f.next = t // after a pause, restart rather than catch up
	}
	f.next = f.next.Add(f.interval)
	return true
}
