package bus

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/mjpeg"
)

func (in *inlet) isWatched() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.watched.IsZero()
}

func (in *inlet) isNeedy() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.needy
}

// age is how long ago the newest frame came; years before the first.
func (in *inlet) age(now time.Time) time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	return now.Sub(in.arrived)
}

// waited is how long viewers have waited for a frame.
func (in *inlet) waited(now time.Time) time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.arrived.After(in.watched) {
		return now.Sub(in.arrived)
	}
	return now.Sub(in.watched)
}

// due reports whether it is time for the next placeholder.
func (in *inlet) due(now time.Time) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return now.Sub(in.shown) >= again
}

func (in *inlet) tooLarge() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.oversize
}

func (in *inlet) size() (width, height int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.width, in.height
}

// drawn returns the placeholder's picture, which is drawn over the last live one if there is none.
func (in *inlet) drawn(draw func(background []byte) []byte) []byte {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.picture == nil {
		var background []byte
		if in.seen != nil {
			background = in.seen.JPEG
		}
		in.picture = draw(background)
	}
	return in.picture
}

func (in *inlet) undraw() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.picture, in.shown = nil, time.Time{}
}

// show gives viewers a placeholder of this relay's.
func (in *inlet) show(card broker.Frame, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.topic.Publish(card)
	in.shown, in.needy = now, true
}

// withdraw takes back what was shown of a camera that is switched off now.
func (in *inlet) withdraw(card broker.Frame) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.seen, in.picture = nil, nil
	in.topic.Withdraw(card)
	if !in.watched.IsZero() {
		in.topic.Publish(card)
	}
}

// describe puts what came in into s.
func (in *inlet) describe(s *camera.Status) {
	n := in.count.stream()
	s.Counts.Published[in.name] = n.Frames
	s.Counts.Captured += n.Frames
	for _, cause := range mjpeg.Causes {
		if n.Dropped[cause] > 0 {
			s.Counts.Refused[cause] += n.Dropped[cause]
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.seen != nil && in.seen.Captured.After(s.LastPic) {
		s.LastPic = in.seen.Captured
	}
}
