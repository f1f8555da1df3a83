package mjpeg

import (
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/fanout"
)

func TestFPSLimiterHoldsTheRate(t *testing.T) {
	begin := time.Unix(1700000000, 0)
	for _, c := range []struct {
		name       string
		camera     float64 // frames per second
		limit      float64
		jitter     time.Duration // every other frame is so much early
		seconds    int
		atLeast, n int
	}{
		{"no limit", 30, 0, 0, 10, 300, 300},
		{"third", 30, 10, 0, 10, 99, 101},
		{"uneven ratio", 30, 7, 0, 10, 68, 71},
		{"same rate with jitter", 30, 30, 5 * time.Millisecond, 10, 297, 300},
		{"above the camera's rate", 10, 30, 0, 10, 100, 100},
		{"one in ten seconds", 30, 0.1, 0, 30, 3, 3},
	} {
		p, due := newFPSLimiter(c.limit), 0
		for i := range int(c.camera * float64(c.seconds)) {
			at := begin.Add(time.Duration(float64(i) / c.camera * float64(time.Second)))
			if i%2 == 1 {
				at = at.Add(-c.jitter)
			}
			if p.allow(at) {
				due++
			}
		}
		if due < c.atLeast || due > c.n {
			t.Errorf("%s: %d frames due, want %d to %d", c.name, due, c.atLeast, c.n)
		}
	}
}

func TestFPSLimiterDoesNotCatchUp(t *testing.T) {
	p, at := newFPSLimiter(10), time.Unix(1700000000, 0)
	p.allow(at)
	at = at.Add(time.Minute)
	n := 0
	for range 10 { // a burst after a pause
		if p.allow(at) {
			n++
		}
		at = at.Add(time.Millisecond)
	}
	if n != 1 {
		t.Errorf("%d frames of a burst let through, want 1", n)
	}
}

func TestFrameFilterReportsTheLimit(t *testing.T) {
	filter, at := newFrameFilter(10, 1000), time.Unix(1700000000, 0)
	var got [3]int
	for range 60 {
		got[filter(&broker.Frame{Captured: at, Wire: make([]byte, 200)})]++
		at = at.Add(time.Second / 20)
	}
	// Three seconds: half of the frames are due, and those take 2000 bytes a second. 1000 are allowed.
	if got[fanout.SkipRate] != 30 || got[fanout.SkipOverLimit] < 8 || got[fanout.Send]+got[fanout.SkipOverLimit] != 30 {
		t.Errorf("shown %d, too often %d, too much %d", got[fanout.Send], got[fanout.SkipRate], got[fanout.SkipOverLimit])
	}
}
