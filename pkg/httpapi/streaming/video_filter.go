package streaming

import (
	"math"

	"camd/pkg/broker"
	"camd/pkg/fanout"
)

// NewVideoFilter returns a function that decides which frames of video a viewer gets, by bytes per second; 0 is no limit. Above the limit, a
// viewer misses a disposable frame alone, and with any other frame all that follow it up to a keyframe. Without a limit NewVideoFilter
// returns nil.
func NewVideoFilter(bytesPerSecond int64) func(*broker.Frame) fanout.Decision {
	if bytesPerSecond == 0 {
		return nil
	}
	limiter := &ByteLimiter{Rate: float64(bytesPerSecond)}
	var allowed uint64 // Seq of the last frame allowed. A frame comes again if the socket took nothing of it
	var since uint64   // Seq of the keyframe since which the viewer has missed nothing that others need
	return func(f *broker.Frame) fanout.Decision {
		switch {
		case f.Seq == allowed:
			return fanout.Send
		case !f.Key && f.KeySeq < since: // a frame that it needs was left out
			return fanout.SkipOverLimit
		case !limiter.Allow(len(f.Wire), f.Captured):
			if !f.Disposable {
				since = math.MaxUint64
			}
			return fanout.SkipOverLimit
		}
		if allowed = f.Seq; since == math.MaxUint64 {
			since = f.Seq
		}
		return fanout.Send
	}
}
