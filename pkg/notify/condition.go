package notify

import (
	"slices"
	"time"

	"camd/pkg/camera"
)

// Condition is what a state means to somebody who does not look.
type Condition string

const (
	Well    Condition = "well"    // it gives pictures, or would if somebody watched
	Trouble Condition = "trouble" // offline or stalled
	Paused  Condition = "paused"  // switched off by a person
)

// Conditions lists every condition.
var Conditions = []Condition{Trouble, Well, Paused}

// after is the condition that a camera is in when it comes into a state.
func (c Condition) after(s camera.State) Condition {
	switch {
	case s == camera.Offline || s == camera.Stalled:
		return Trouble
	case s == camera.Paused:
		return Paused
	case s == camera.Live:
		return Well
	case s == camera.Idle && c != Trouble: // a camera that failed when it was watched last is not well because nobody watches
		return Well
	}
	return c // starting says nothing yet
}

// Camera is a camera as this package knows it.
type Camera struct {
	ID, Title string
	History   func() []camera.Change // its changes of state, newest first; safe for concurrent use
	Picture   func() []byte          // its newest JPEG, be it a placeholder, or nil; nobody changes the bytes
}

// Notice says that a camera has come into a condition.
type Notice struct {
	Camera, Title string
	Condition     Condition
	Change        camera.Change // the newest in this condition
	Since         time.Time     // when the condition began
	Previous      camera.Change // what was told before
	PreviousSince time.Time     // since when it was so
}

// A flapping camera's limits.
const (
	flapMemory = time.Hour        // how long a trouble makes the camera suspect
	flapUnit   = time.Second      // what is doubled where nothing else is asked for
	flapMost   = 15 * time.Minute // how long it must be well at most
)

// subject is what a watcher knows of one camera.
type subject struct {
	seen     time.Time // the newest change that has been looked at
	now      Condition
	since    time.Time     // of now
	change   camera.Change // the newest in now
	told     Condition
	before   camera.Change // as told
	began    time.Time     // of told
	troubles []time.Time   // when they were told, the last flapMemory
}

// begin takes a first look at a camera. What happened before is not told, unless it lasts.
func (s *subject) begin(history []camera.Change) {
	s.now, s.told = Well, Well
	for _, c := range slices.Backward(history) {
		s.enter(c)
	}
	if s.now != Trouble {
		s.settled()
	}
}

// enter notes a change.
func (s *subject) enter(c camera.Change) {
	first := s.seen.IsZero()
	s.seen = c.Since
	if next := s.now.after(c.State); next != s.now || first {
		s.now, s.since = next, c.Since
	} else if c.State == camera.Starting || c.State == camera.Idle && next == Trouble {
		return // what was before it says more
	}
	s.change = c
	if s.now == s.told {
		s.before, s.began = c, s.since
	}
}

// settle reports whether there is something to tell at that time.
func (s *subject) settle(at time.Time, after time.Duration) bool {
	return s.now != s.told && at.Sub(s.since) >= s.hold(at, after)
}

// settled notes that the condition is known.
func (s *subject) settled() { s.told, s.before, s.began = s.now, s.change, s.since }

// hold is how long the condition must last.
func (s *subject) hold(at time.Time, after time.Duration) time.Duration {
	s.troubles = slices.DeleteFunc(s.troubles, func(t time.Time) bool { return at.Sub(t) > flapMemory })
	if s.told != Trouble || s.now != Well || len(s.troubles) < 2 {
		return after
	}
	wait := max(after, flapUnit)
	for range s.troubles[1:] {
		wait = min(2*wait, max(after, flapMost))
	}
	return wait
}
