package streaming

import (
	"testing"
	"time"
)

func TestByteLimiterHoldsTheRate(t *testing.T) {
	b, at, n := &ByteLimiter{Rate: 1000}, time.Unix(1700000000, 0), 0
	for range 300 { // ten seconds of 30 fps, 100 bytes each: 3000 bytes a second
		if b.Allow(100, at) {
			n++
		}
		at = at.Add(time.Second / 30)
	}
	if n < 105 || n > 115 { // ten seconds' worth and the second's in the bucket
		t.Errorf("%d frames of 100 bytes in ten seconds at 1000 bytes a second", n)
	}
	b, n = &ByteLimiter{Rate: 1000}, 0
	for range 60 { // each frame is larger than a second's worth
		if b.Allow(5000, at) {
			n++
		}
		at = at.Add(time.Second)
	}
	if n < 11 || n > 13 {
		t.Errorf("%d frames of 5000 bytes in 60 seconds at 1000 bytes a second", n)
	}
}
