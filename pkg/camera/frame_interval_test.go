package camera

import (
	"testing"
	"time"
)

func TestFrameInterval(t *testing.T) {
	for fps, want := range map[float64]time.Duration{0: 0, -1: 0, 25: 40 * time.Millisecond, 0.2: 5 * time.Second, 1e-300: 24 * time.Hour, 1e300: 0} {
		if got := FrameInterval(fps); got != want {
			t.Errorf("%v fps: %v, want %v", fps, got, want)
		}
	}
}
