package notify

import (
	"slices"
	"time"

	"camd/pkg/camera"
)

// Interval is how often a watcher should look.
const Interval = time.Second

// Watcher tells what is new at cameras. It belongs to one goroutine. The zero value is not ready for use.
type Watcher struct {
	after    time.Duration
	cameras  func() []Camera
	subjects map[string]*subject // by camera
}

// NewWatcher returns a watcher of the cameras that cameras returns whenever it looks. A condition must last after to be told.
func NewWatcher(after time.Duration, cameras func() []Camera) *Watcher {
	return &Watcher{after: after, cameras: cameras, subjects: map[string]*subject{}}
}

// Look returns what there is to tell, oldest first at each camera, and the cameras that there are.
func (w *Watcher) Look(now time.Time) (news []Notice, cameras []Camera) {
	cameras = w.cameras()
	there := make(map[string]bool, len(cameras))
	for _, c := range cameras {
		there[c.ID] = true
		news = append(news, w.look(c, now)...)
	}
	for id := range w.subjects {
		if !there[id] {
			delete(w.subjects, id)
		}
	}
	return news, cameras
}

// InTrouble reports whether that was the last that was told of a camera.
func (w *Watcher) InTrouble(id string) bool {
	s := w.subjects[id]
	return s != nil && s.told == Trouble
}

func (w *Watcher) look(c Camera, now time.Time) (news []Notice) {
	history := c.History()
	if len(history) == 0 {
		return nil // it has not begun
	}
	s := w.subjects[c.ID]
	if s == nil {
		s = &subject{}
		w.subjects[c.ID] = s
		s.begin(history)
	}
	settle := func(at time.Time) {
		if s.settle(at, w.after) {
			news = append(news, s.notice(c))
		}
	}
	fresh := slices.IndexFunc(history, func(h camera.Change) bool { return !h.Since.After(s.seen) })
	if fresh < 0 {
		fresh = len(history)
	}
	for _, change := range slices.Backward(history[:fresh]) {
		settle(change.Since) // what lasted long enough and is over
		s.enter(change)
	}
	if s.change.Since.Equal(history[0].Since) {
		s.change.Detail = history[0].Detail // the same in other words
	}
	settle(now)
	return news
}

// notice makes the condition known.
func (s *subject) notice(c Camera) Notice {
	n := Notice{
		Camera: c.ID, Title: c.Title, Condition: s.now, Change: s.change, Since: s.since, Previous: s.before, PreviousSince: s.began,
	}
	if s.now == Trouble {
		s.troubles = append(s.troubles, s.since)
	}
	s.settled()
	return n
}
