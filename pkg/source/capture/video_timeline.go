package capture

import "time"

const (
	firstTime    = time.Second            // PTS of the first frame, so that no time is negative
	maxBackwards = 500 * time.Millisecond // a decode time that goes back by more is on another clock
	maxForwards  = 10 * time.Second       // and so is a time that goes forward by more
	usualStep    = 40 * time.Millisecond  // between frames, while that is not known
)

// timeline joins the times of packets to one clock that always goes on. The source's own clock begins again in each pass of a file, and
// jumps where a live playlist continues with another recording.
type timeline struct {
	step    time.Duration // between two frames, as the source declares it; 0 if it does not
	offset  time.Duration // from the source's clock to this one
	started bool
	isCut   bool          // the next packet does not continue the source's clock
	last    packetTimes   // of the newest packet
	first   time.Duration // PTS of the first packet since the clock was set
	newest  time.Duration // the highest PTS
	steps   int           // packets since the first
}

// cut says that the next packet is on another clock than the one before. Its frame is shown when the next one would have been.
func (t *timeline) cut() { t.isCut = true }

// next returns the PTS of a packet on this clock.
func (t *timeline) next(p packetTimes) time.Duration {
	pts := t.newest - t.offset + t.interval() // if the packet has no times
	switch {
	case p.hasPTS && !(p.hasDTS && (p.pts-p.dts).Abs() > maxForwards): // no reordering takes so long
		pts = p.pts
	case p.hasDTS:
		pts = p.dts
	}
	isCut := t.isCut || t.jumps(p, pts)
	if t.last = p; t.started && !isCut {
		t.steps++
		t.newest = max(t.newest, pts+t.offset)
		return pts + t.offset
	}
	at := firstTime
	if t.started {
		at = t.newest + t.interval()
	}
	t.started, t.isCut, t.steps = true, false, 0
	t.first, t.newest, t.offset = at, at, at-pts
	return at
}

// jumps reports whether the times of a packet do not continue those of the one before.
func (t *timeline) jumps(p packetTimes, pts time.Duration) bool {
	if p.hasDTS && t.last.hasDTS {
		return p.dts < t.last.dts-maxBackwards || p.dts > t.last.dts+maxForwards
	}
	return (pts + t.offset - t.newest).Abs() > maxForwards
}

// interval returns the mean time between the frames since the clock was set.
func (t *timeline) interval() time.Duration {
	switch {
	case t.steps > 0 && t.newest > t.first:
		return (t.newest - t.first) / time.Duration(t.steps)
	case t.step > 0:
		return t.step
	}
	return usualStep
}
