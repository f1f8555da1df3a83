package notify

import (
	"slices"
	"time"

	"camd/pkg/camera"
)

// PollInterval is how often to call Watcher.Poll.
const PollInterval = time.Second

// Watcher returns notices of changed conditions. It is not safe for concurrent use. Create it with NewWatcher.
type Watcher struct {
	minDuration time.Duration
	cameras     func() []Camera
	trackers    map[string]*tracker // by camera
}

// NewWatcher returns a watcher of the cameras that cameras returns. Poll calls cameras each time. A condition must last minDuration
// before there is a notice of it.
func NewWatcher(minDuration time.Duration, cameras func() []Camera) *Watcher {
	return &Watcher{minDuration: minDuration, cameras: cameras, trackers: map[string]*tracker{}}
}

// Poll returns the notices that are due, oldest first for each camera, and the present cameras. It forgets cameras that are gone.
func (w *Watcher) Poll(now time.Time) (notices []Notice, cameras []Camera) {
	cameras = w.cameras()
	present := make(map[string]bool, len(cameras))
	for _, c := range cameras {
		present[c.ID] = true
		notices = append(notices, w.pollCamera(c, now)...)
	}
	for id := range w.trackers {
		if !present[id] {
			delete(w.trackers, id)
		}
	}
	return notices, cameras
}

// InTrouble reports whether the last notice of a camera was Trouble.
func (w *Watcher) InTrouble(id string) bool {
	s := w.trackers[id]
	return s != nil && s.notified == Trouble
}

func (w *Watcher) pollCamera(c Camera, now time.Time) (notices []Notice) {
	history := c.History()
	if len(history) == 0 {
		return nil // the camera has not started
	}
	s := w.trackers[c.ID]
	if s == nil {
		s = &tracker{}
		w.trackers[c.ID] = s
		s.init(history)
	}
	notifyIfDue := func(at time.Time) {
		if s.isDue(at, w.minDuration) {
			notices = append(notices, s.notice(c))
		}
	}
	unread := slices.IndexFunc(history, func(h camera.StateChange) bool { return !h.Since.After(s.processed) })
	if unread < 0 {
		unread = len(history)
	}
	for _, change := range slices.Backward(history[:unread]) {
		notifyIfDue(change.Since) // of a condition that lasted long enough and ended with this change
		s.apply(change)
	}
	if s.currentChange.Since.Equal(history[0].Since) {
		s.currentChange.Detail = history[0].Detail // the detail of a change may be updated later
	}
	notifyIfDue(now)
	return notices
}

// notice returns the notice of the current condition, and records that it was made.
func (s *tracker) notice(c Camera) Notice {
	n := Notice{
		Camera: c.ID, Title: c.Title, Condition: s.current, Change: s.currentChange, Since: s.since, Previous: s.notifiedChange, PreviousSince: s.notifiedSince,
	}
	if s.current == Trouble {
		s.recentTroubles = append(s.recentTroubles, s.since)
	}
	s.markNotified()
	return n
}
