package fanout

import (
	"sync/atomic"
	"time"

	"camd/pkg/broker"
)

// Counts counts the frames that a viewer got and did not get. Only one goroutine at a time may change it. Any goroutine may read it.
type Counts struct {
	Since time.Time // when the viewer was added; set it before anything is counted

	Sent             atomic.Uint64 // frames written completely
	Bytes            atomic.Uint64 // bytes written, incomplete and repeated frames included
	DroppedSlow      atomic.Uint64 // frames that were late for the viewer: it was too slow
	DroppedLapped    atomic.Uint64 // video: frames that the ring had dropped before the viewer came to them
	DroppedResync    atomic.Uint64 // video: frames left out up to the next keyframe, because they could not be decoded
	DroppedWithdrawn atomic.Uint64 // video: frames that were withdrawn because the camera was turned off
	DroppedRate      atomic.Uint64 // frames left out because the viewer asked for fewer frames a second
	DroppedOverLimit atomic.Uint64 // frames left out because the viewer has reached its limit of bytes

	age   atomic.Int64 // of the newest frame when it was sent, in nanoseconds; 0 for none
	meter meter
}

// Decision says whether a viewer gets a frame, and why not.
type Decision int

const (
	Send          Decision = iota
	SkipRate               // no: the viewer asked for fewer frames a second
	SkipOverLimit          // no: the viewer has reached its limit of bytes
)

// CountDropped counts a frame that the viewer does not get. decision is SkipRate or SkipOverLimit.
func (c *Counts) CountDropped(decision Decision) {
	if decision == SkipOverLimit {
		c.DroppedOverLimit.Add(1)
	} else {
		c.DroppedRate.Add(1)
	}
}

// Dropped returns how many frames the viewer did not get.
func (c *Counts) Dropped() uint64 {
	return c.DroppedSlow.Load() + c.DroppedLapped.Load() + c.DroppedResync.Load() + c.DroppedWithdrawn.Load() + c.DroppedRate.Load() + c.DroppedOverLimit.Load()
}

// CountRingDrops counts the frames of video that a subscription has dropped since before, by reason. It sets before to now.
func (c *Counts) CountRingDrops(before *broker.Drops, now broker.Drops) {
	if now == *before {
		return
	}
	c.DroppedSlow.Add(now.Late - before.Late)
	c.DroppedLapped.Add(now.Lapped - before.Lapped)
	c.DroppedResync.Add(now.Resync - before.Resync)
	c.DroppedWithdrawn.Add(now.Withdrawn - before.Withdrawn)
	*before = now
}

// CountSent counts a frame whose last byte was written at now. It does not change Bytes.
func (c *Counts) CountSent(f *broker.Frame, now time.Time) {
	c.Sent.Add(1)
	c.meter.add(now.Sub(c.Since))
	if f.Placeholder { // it may have been drawn hours ago
		c.age.Store(0)
	} else {
		c.age.Store(int64(max(now.Sub(f.Captured), 1)))
	}
}

// FrameAge returns how old the newest frame was when its last byte was written. It returns false if there was no frame yet, or the newest
// is a placeholder.
func (c *Counts) FrameAge() (time.Duration, bool) {
	age := c.age.Load()
	return time.Duration(age), age != 0
}

// FPS returns the frames per second over the last five complete seconds. It returns false in the viewer's first second.
func (c *Counts) FPS(now time.Time) (float64, bool) { return c.meter.perSecond(now.Sub(c.Since)) }

const (
	meterSeconds = 5  // seconds over which the rate is computed
	countBits    = 24 // bits of a cell that count frames; the bits above them are the second of these frames
)

// meter counts frames for each second, in a ring of cells. Each cell has the number of its second, so that counts from an earlier
// second in the same cell are recognized.
type meter [8]atomic.Uint64

// add counts a frame. t is the time since the viewer was added. Load and Store are enough, because there is one writer.
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
