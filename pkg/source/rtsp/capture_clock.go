package rtsp

import "time"

// timeline extends the 32-bit timestamps of RTP to times that begin at 0.
type timeline struct {
	stamp uint32 // the newest
	ticks int64  // of it
}

// restart lets the time go on where another clock begins.
func (t *timeline) restart(stamp uint32) { t.stamp = stamp }

// next returns the time of the next unit.
func (t *timeline) next(stamp uint32) int64 {
	t.ticks, t.stamp = t.peek(stamp), stamp
	return t.ticks
}

// peek returns the time of a timestamp that is less than 2^31 ticks from the newest.
func (t *timeline) peek(stamp uint32) int64 { return t.ticks + int64(int32(stamp-t.stamp)) }

// Bounds on the times that a camera reports.
const (
	maxBehind = 5 * time.Second        // a picture is not older when it arrives: its delay is that of encoder and network
	maxAhead  = time.Second            // clocks that NTP sets differ by less; such a time becomes that of the arrival
	maxJump   = 500 * time.Millisecond // between two reports; more is a step of the camera's clock
)

// captureClock finds out when pictures were taken. Where the camera's sender reports (RFC 3550, section 6.4.1) are plausible, it is by
// them, else it is when the picture arrived.
//
// A report is plausible if its time is at most maxBehind before and maxAhead behind its arrival, and if it agrees within maxJump with the
// report before it. The times of pictures are checked against their arrival in the same way, never lie behind it, and do not decrease
// while PTS increases.
type captureClock struct {
	hasReport bool
	reported  time.Time // the camera's time at PTS 0, by the last report
	isTrusted bool
	lastPTS   time.Duration
	last      time.Time // when the picture with lastPTS was taken
}

// report takes a sender report: the camera's time at a PTS.
func (c *captureClock) report(at time.Time, pts time.Duration, arrived time.Time) {
	reported := at.Add(-pts)
	isSteady := !c.hasReport || reported.Sub(c.reported).Abs() <= maxJump
	c.isTrusted = isSteady && isPlausible(at, arrived)
	c.hasReport, c.reported = true, reported
}

// forgetReports is for a new clock of the camera.
func (c *captureClock) forgetReports() { c.hasReport, c.isTrusted = false, false }

func isPlausible(at, arrived time.Time) bool {
	delay := arrived.Sub(at)
	return delay >= -maxAhead && delay <= maxBehind
}

// at returns when a picture was taken that has arrived. The result has no monotonic reading.
func (c *captureClock) at(pts time.Duration, arrived time.Time) time.Time {
	arrived = arrived.Round(0)
	captured := arrived
	if at := c.reported.Add(pts); c.isTrusted && isPlausible(at, arrived) {
		captured = at
	}
	if captured.Before(c.last) && pts > c.lastPTS {
		captured = c.last
	}
	if captured.After(arrived) { // also if this machine's clock was set back
		captured = arrived
	}
	if pts >= c.lastPTS || captured.After(c.last) {
		c.last, c.lastPTS = captured, pts
	}
	return captured
}
