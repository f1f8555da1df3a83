package bus

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/placeholder"
)

func (in *receiver) isWatched() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.watchedSince.IsZero()
}

func (in *receiver) isWaiting() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.waiting
}

// age is how long ago the newest frame came; years before the first.
func (in *receiver) age(now time.Time) time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	return now.Sub(in.arrived)
}

// waited is how long viewers have waited for a frame.
func (in *receiver) waited(now time.Time) time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.arrived.After(in.watchedSince) {
		return now.Sub(in.arrived)
	}
	return now.Sub(in.watchedSince)
}

// isPlaceholderDue reports whether it is time for the next placeholder.
func (in *receiver) isPlaceholderDue(now time.Time) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return now.Sub(in.lastPlaceholder) >= placeholderInterval
}

func (in *receiver) oversizeBytes() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.oversize
}

func (in *receiver) size() (width, height int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.width, in.height
}

// placeholderFrame returns the placeholder, with the last live picture as its background unless the camera is switched off.
func (in *receiver) placeholderFrame(o placeholder.Options, now time.Time) broker.Frame {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.lastLive != nil && o.State != camera.Paused {
		o.Background = in.lastLive.JPEG
	}
	return in.placeholder.Frame(o, now)
}

func (in *receiver) resetPlaceholder() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.placeholder, in.lastPlaceholder = placeholder.Cache{}, time.Time{}
}

// publishPlaceholder gives viewers a placeholder of this relay's.
func (in *receiver) publishPlaceholder(f broker.Frame, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.topic.Publish(f)
	in.lastPlaceholder, in.waiting = now, true
}

// withdraw takes back what was shown of a camera that is switched off now.
func (in *receiver) withdraw(f broker.Frame) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.lastLive = nil
	in.topic.Withdraw(f)
	if !in.watchedSince.IsZero() {
		in.topic.Publish(f)
	}
}

// addTo puts what came in into s.
func (in *receiver) addTo(s *camera.Status) {
	n := in.stats.stream()
	s.Counts.Published[in.name] = n.Frames
	s.Counts.Captured += n.Frames
	for _, cause := range media.Causes {
		if n.Dropped[cause] > 0 {
			s.Counts.Refused[cause] += n.Dropped[cause]
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.lastLive != nil && in.lastLive.Captured.After(s.LastFrame) {
		s.LastFrame = in.lastLive.Captured
	}
}
