package h26x

import (
	"slices"
	"time"
)

const (
	maxReorder = 16               // MaxDpbFrames of H.264, section A.3.1; H.265, section A.4.2 has the same limit
	minStep    = time.Millisecond // between decode times that no PTS gives
	clockStep  = time.Second      // a PTS that goes back by so much, without a reason in the frames, is a new clock
	maxGap     = 10 * time.Minute // a PTS that goes forward by so much is one, too
	maxTime    = 1 << 58          // 9 years, in nanoseconds
)

// clock finds the decode times of a track. DTS is strictly increasing.
//
// Frames with the depth d leave the encoder in an order in which at most d frames precede a frame that is displayed before them. So in
// decoding order, the n-th frame gets as DTS the PTS of the (n-d)-th displayed frame: at most its own PTS.
type clock struct {
	depth    int // d: what the SPS says, or what the frames showed
	seen     int // what the frames showed
	started  bool
	isExact  bool            // the last DTS was a PTS
	offset   time.Duration   // added to the source's times after it set its clock
	newest   time.Duration   // the highest PTS
	last     time.Duration   // the last DTS
	interval time.Duration   // the newest difference of two DTS that were PTS; 0 before
	lastKey  time.Duration   // PTS of the last keyframe
	pending  []time.Duration // PTS that are not yet a DTS, sorted
	recent   []time.Duration // PTS of the last frames, in decoding order
}

// declare sets how many frames the SPS says are reordered.
func (c *clock) declare(n int) { c.depth = max(n, c.seen) }

// next returns the times of a frame. isB is true if it is a B-frame, which may go back in time.
func (c *clock) next(pts time.Duration, isKey, isB bool) (adjusted, dts time.Duration) {
	if pts += c.offset; !c.started {
		c.newest, c.last, c.lastKey = pts-minStep, pts-time.Duration(c.depth+1)*minStep, pts
		c.started = true
	}
	isReordered := isB && pts < c.newest && pts > c.lastKey
	low := c.newest // where a PTS goes back to if the clock does not
	if c.depth > 0 {
		low = c.last
	}
	switch {
	case isReordered:
		c.grow(pts)
	case pts <= low-clockStep || pts >= c.newest+maxGap:
		pts = c.resume(pts)
	case pts <= low && c.depth == 0:
		pts = c.newest + minStep // it jitters
	}
	if isKey {
		c.lastKey = pts
	}
	c.newest = max(c.newest, pts)
	c.remember(pts)
	return pts, c.decodeTime(pts)
}

// grow sets the depth to the number of frames that precede this one and are displayed after it.
func (c *clock) grow(pts time.Duration) {
	n := 0
	for _, p := range c.recent {
		if p > pts {
			n++
		}
	}
	c.seen = min(max(c.seen, n), maxReorder)
	c.depth = max(c.depth, c.seen)
}

// resume lets time go on where the source has set its clock, and returns the frame's PTS.
func (c *clock) resume(pts time.Duration) time.Duration {
	c.pending, c.recent = c.pending[:0], c.recent[:0]
	continued := c.newest + max(c.interval, minStep)
	c.offset += continued - pts
	return continued
}

func (c *clock) remember(pts time.Duration) {
	if len(c.recent) == maxReorder {
		c.recent = slices.Delete(c.recent, 0, 1)
	}
	c.recent = append(c.recent, pts)
}

// decodeTime adds a PTS to those that are pending and takes the lowest. While too few are pending, time advances by minStep.
func (c *clock) decodeTime(pts time.Duration) time.Duration {
	i, _ := slices.BinarySearch(c.pending, pts)
	c.pending = slices.Insert(c.pending, i, pts)
	dts, isExact := c.last+minStep, false
	if n := len(c.pending) - c.depth; n > 0 {
		if lowest := c.pending[n-1]; lowest > c.last {
			dts, isExact = lowest, true
		}
		c.pending = slices.Delete(c.pending, 0, n)
	}
	if isExact && c.isExact {
		c.interval = dts - c.last
	}
	c.last, c.isExact = dts, isExact
	return dts
}
