package camera

import "time"

// FrameInterval returns the time between two frames at a rate: 0, which means every frame, for a rate of 0 or less, and a day at most, so
// that any rate fits into a Duration.
func FrameInterval(fps float64) time.Duration {
	if fps <= 0 {
		return 0
	}
	return time.Duration(min(float64(time.Second)/fps, float64(24*time.Hour)))
}
