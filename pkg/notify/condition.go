package notify

import (
	"slices"
	"time"

	"camd/pkg/camera"
)

// Condition is what a state means to somebody who does not look.
type Condition string

const (
	Healthy Condition = "well"    // it gives pictures, or would if somebody watched
	Trouble Condition = "trouble" // offline or stalled
	Paused  Condition = "paused"  // switched off by a person
)

// Conditions lists every condition.
var Conditions = []Condition{Trouble, Healthy, Paused}

// next is the condition that a camera is in when it comes into a state.
func (c Condition) next(s camera.State) Condition {
	switch {
	case s == camera.Offline || s == camera.Stalled:
		return Trouble
	case s == camera.Paused:
		return Paused
	case s == camera.Live:
		return Healthy
	case s == camera.Idle && c != Trouble: // a camera that failed when it was watched last is not well because nobody watches
		return Healthy
	}
	return c // starting says nothing yet
}

// Camera is a camera as this package knows it.
type Camera struct {
	ID, Title string
	History   func() []camera.StateChange // its changes of state, newest first; safe for concurrent use
	Picture   func() []byte               // its newest JPEG, be it a placeholder, or nil; nobody changes the bytes
}

// Notice says that a camera has come into a condition.
type Notice struct {
	Camera, Title string
	Condition     Condition
	Change        camera.StateChange // the newest in this condition
	Since         time.Time          // when the condition began
	Previous      camera.StateChange // the last one in the condition before
	PreviousSince time.Time          // since when it was so
}

// A flapping camera's limits.
const (
	flapWindow  = time.Hour        // how long a trouble makes the camera suspect
	minFlapHold = time.Second      // what is doubled where nothing else is asked for
	maxFlapHold = 15 * time.Minute // how long it must be well at most
)

// tracker is what a watcher keeps of one camera.
type tracker struct {
	processed      time.Time // the newest change that has been looked at
	current        Condition
	since          time.Time          // of now
	currentChange  camera.StateChange // the newest in now
	notified       Condition
	notifiedChange camera.StateChange // the newest when notified was reported
	notifiedSince  time.Time          // since when notified was the condition
	recentTroubles []time.Time        // when they began, within flapWindow
}

// init takes a first look at a camera. What happened before is not told, unless it lasts.
func (s *tracker) init(history []camera.StateChange) {
	s.current, s.notified = Healthy, Healthy
	for _, c := range slices.Backward(history) {
		s.apply(c)
	}
	if s.current != Trouble {
		s.markNotified()
	}
}

// apply notes a change.
func (s *tracker) apply(c camera.StateChange) {
	first := s.processed.IsZero()
	s.processed = c.Since
	if next := s.current.next(c.State); next != s.current || first {
		s.current, s.since = next, c.Since
	} else if c.State == camera.Starting || c.State == camera.Idle && next == Trouble {
		return // what was before it says more
	}
	s.currentChange = c
	if s.current == s.notified {
		s.notifiedChange, s.notifiedSince = c, s.since
	}
}

// isDue reports whether there is something to tell at that time.
func (s *tracker) isDue(at time.Time, minDuration time.Duration) bool {
	return s.current != s.notified && at.Sub(s.since) >= s.holdTime(at, minDuration)
}

// markNotified notes that the condition is known.
func (s *tracker) markNotified() {
	s.notified, s.notifiedChange, s.notifiedSince = s.current, s.currentChange, s.since
}

// holdTime is how long the condition must last.
func (s *tracker) holdTime(at time.Time, minDuration time.Duration) time.Duration {
	s.recentTroubles = slices.DeleteFunc(s.recentTroubles, func(t time.Time) bool { return at.Sub(t) > flapWindow })
	if s.notified != Trouble || s.current != Healthy || len(s.recentTroubles) < 2 {
		return minDuration
	}
	wait := max(minDuration, minFlapHold)
	for range s.recentTroubles[1:] {
		wait = min(2*wait, max(minDuration, maxFlapHold))
	}
	return wait
}
