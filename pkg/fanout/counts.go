package fanout

import (
	"sync/atomic"
	"time"

	"camd/pkg/broker"
)

// Counts is what a viewer got and did not get. It is written by one goroutine at a time and may be read by anybody.
type Counts struct {
	Since time.Time // when the viewer was added; set before anything is counted

	Sent             atomic.Uint64 // frames written whole
	Bytes            atomic.Uint64
	DroppedSlow      atomic.Uint64 // frames passed over because it was still taking an earlier one
	DroppedRate      atomic.Uint64 // frames passed over because it asked for fewer
	DroppedOverLimit atomic.Uint64 // frames passed over because it may not have more bytes

	age   atomic.Int64 // nanoseconds; 0 for none
	meter meter
}

// Decision says whether a viewer gets a frame, and why not.
type Decision int

const (
	Send          Decision = iota
	SkipRate               // it asked for fewer frames
	SkipOverLimit          // it may not have more bytes
)

// CountDropped counts a frame that the viewer does not get.
func (c *Counts) CountDropped(decision Decision) {
	if decision == SkipOverLimit {
		c.DroppedOverLimit.Add(1)
	} else {
		c.DroppedRate.Add(1)
	}
}

// CountSent counts a frame of which the last byte was written now.
func (c *Counts) CountSent(f *broker.Frame, now time.Time) {
	c.Sent.Add(1)
	c.meter.add(now.Sub(c.Since))
	if f.Placeholder { // it may have been drawn hours ago
		c.age.Store(0)
	} else {
		c.age.Store(int64(max(now.Sub(f.Captured), 1)))
	}
}

// FrameAge returns how old the newest frame was when its last byte was written; false if there was none yet, or it is a
// placeholder.
func (c *Counts) FrameAge() (time.Duration, bool) {
	age := c.age.Load()
	return time.Duration(age), age != 0
}

// FPS returns the frames a second that were written in the last five seconds that are complete; false in a viewer's first.
func (c *Counts) FPS(now time.Time) (float64, bool) { return c.meter.perSecond(now.Sub(c.Since)) }

const (
	meterSeconds = 5  // seconds over which a rate is taken
	countBits    = 24 // of a cell, for its frames; the bits above say which second they belong to
)

// meter counts frames by the second. Each cell carries the second that it was written for, so that what lies in it from
// an earlier round is no frame of this one.
type meter [8]atomic.Uint64

// add counts a frame; t is the time since the viewer was added. Loading and storing is enough: there is one writer.
func (m *meter) add(t time.Duration) {
	second := uint64(t / time.Second)
	cell := &m[second%uint64(len(m))]
	value := cell.Load()
	if value>>countBits != second {
		value = second << countBits
	}
	cell.Store(value + 1)
}

func (m *meter) perSecond(t time.Duration) (float64, bool) {
	current := uint64(t / time.Second) // not over yet, and not counted
	span := min(current, meterSeconds)
	if span == 0 {
		return 0, false
	}
	frames := uint64(0)
	for second := current - span; second < current; second++ {
		if c := m[second%uint64(len(m))].Load(); c>>countBits == second {
			frames += c & (1<<countBits - 1)
		}
	}
	return float64(frames) / float64(span), true
}
