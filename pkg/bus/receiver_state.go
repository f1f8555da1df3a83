package bus

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/placeholder"
)

func (r *receiver) isWatched() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.watchedSince.IsZero()
}

func (r *receiver) isWaiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiting
}

// age returns how long ago the newest frame came. Before the first frame, that is many years.
func (r *receiver) age(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Sub(r.arrived)
}

// waited returns how long viewers have waited for a frame: since the newest, or since the watch began.
func (r *receiver) waited(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.arrived.After(r.watchedSince) {
		return now.Sub(r.arrived)
	}
	return now.Sub(r.watchedSince)
}

// isPlaceholderDue reports whether it is time for the next placeholder.
func (r *receiver) isPlaceholderDue(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Sub(r.lastPlaceholder) >= placeholderInterval
}

func (r *receiver) oversizeBytes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.oversize
}

func (r *receiver) size() (width, height int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.width, r.height
}

// placeholderFrame returns the placeholder, with the last live picture as its background unless the camera is turned off.
func (r *receiver) placeholderFrame(o placeholder.Options, now time.Time) broker.Frame {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lastLive != nil && o.State != camera.Paused {
		o.Background = r.lastLive.Data
	}
	return r.placeholder.Frame(o, now)
}

func (r *receiver) resetPlaceholder() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.placeholder, r.lastPlaceholder = placeholder.Cache{}, time.Time{}
}

// publishPlaceholder publishes a placeholder that this relay has drawn.
func (r *receiver) publishPlaceholder(f broker.Frame, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.topic.Publish(f)
	r.lastPlaceholder, r.waiting = now, true
}

// withdraw makes all pictures unreachable, because the camera is turned off now. If the stream is watched, it publishes the placeholder f.
func (r *receiver) withdraw(f broker.Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastLive = nil
	r.topic.Withdraw()
	if !r.watchedSince.IsZero() {
		r.topic.Publish(f)
	}
}

// addTo adds the counts of this rendition to s.
func (r *receiver) addTo(s *camera.Status) {
	n := r.stats.stream()
	s.Counts.Published[r.name] = n.Frames
	s.Counts.Captured += n.Frames
	for _, cause := range media.JPEGCauses {
		if n.Dropped[cause] > 0 {
			s.Counts.Refused[cause] += n.Dropped[cause]
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lastLive != nil && r.lastLive.Captured.After(s.LastFrame) {
		s.LastFrame = r.lastLive.Captured
	}
}
