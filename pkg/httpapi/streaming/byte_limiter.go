package streaming

import "time"

// ByteLimiter limits the bytes per second of a stream. It is a token bucket that fills at Rate and holds one second of it, or one frame
// if that is larger. It counts by capture times, so that delays of the viewer do not change what it gets.
type ByteLimiter struct {
	Rate  float64 // bytes a second; 0: no limit
	left  float64
	since time.Time
}

// Allow reports whether a frame of n bytes captured at t fits, and counts it.
func (b *ByteLimiter) Allow(n int, t time.Time) bool {
	if b.Rate == 0 {
		return true
	}
	most := max(b.Rate, float64(n))
	if b.since.IsZero() {
		b.left = most
	} else if span := t.Sub(b.since).Seconds(); span > 0 {
		b.left = min(most, b.left+span*b.Rate)
	}
	b.since = t
	if b.left < float64(n) {
		return false
	}
	b.left -= float64(n)
	return true
}
