package notify

import (
	"context"
	"slices"
	"time"

	"camd/pkg/camera"
)

// Condition summarizes the states of a camera for notices.
type Condition string

// The conditions.
const (
	Healthy Condition = "well"    // live, or idle without an earlier failure
	Trouble Condition = "trouble" // offline or stalled
	Paused  Condition = "paused"  // turned off by a person
)

// Conditions lists every condition.
var Conditions = []Condition{Trouble, Healthy, Paused}

// next returns the condition of a camera that was in condition c and is now in state s.
func (c Condition) next(s camera.State) Condition {
	switch {
	case s == camera.Offline || s == camera.Stalled:
		return Trouble
	case s == camera.Paused:
		return Paused
	case s == camera.Live:
		return Healthy
	case s == camera.Idle && c != Trouble: // a camera that has failed is not healthy just because nobody watches it any more
		return Healthy
	}
	return c // starting does not change the condition
}

// Camera is a camera as a notifier sees it. Its functions are safe for concurrent use.
type Camera struct {
	ID, Title string
	History   func() []camera.StateChange // its changes of state, newest first

	// Picture returns the camera's newest picture. It waits for one until ctx ends, but not if the camera's state says that none will
	// come.
	Picture func(ctx context.Context) Picture
}

// Picture is a picture of a camera.
type Picture struct {
	JPEG        []byte // empty if there is no picture; do not modify it
	Placeholder bool   // camd drew it, because the camera has no picture
}

// Notice says that the condition of a camera has changed.
type Notice struct {
	Camera, Title string
	Condition     Condition
	Change        camera.StateChange // the newest in this condition
	Since         time.Time          // when the condition began
	Previous      camera.StateChange // the newest in the condition of the notice before; zero if there is none
	PreviousSince time.Time          // when that condition began
}

// How long a flapping camera must be healthy before a notice.
const (
	flapWindow  = time.Hour        // troubles that began within this time count
	minFlapHold = time.Second      // the time that is doubled if the minimum duration is shorter
	maxFlapHold = 15 * time.Minute // the longest time, unless the minimum duration is longer
)

// tracker is the condition of one camera, and what the last notice said.
type tracker struct {
	processed      time.Time // of the newest change that apply has processed
	current        Condition
	since          time.Time          // when current began
	currentChange  camera.StateChange // the newest in current
	notified       Condition          // of the last notice
	notifiedChange camera.StateChange // the newest while notified was the condition
	notifiedSince  time.Time          // when notified began
	recentTroubles []time.Time        // when they began, within flapWindow
}

// init processes the history of a camera that is new to the watcher. It causes a notice only if the camera is in trouble now.
func (s *tracker) init(history []camera.StateChange) {
	s.current, s.notified = Healthy, Healthy
	for _, c := range slices.Backward(history) {
		s.apply(c)
	}
	if s.current != Trouble {
		s.markNotified()
	}
}

// apply processes a change of state.
func (s *tracker) apply(c camera.StateChange) {
	first := s.processed.IsZero()
	s.processed = c.Since
	if next := s.current.next(c.State); next != s.current || first {
		s.current, s.since = next, c.Since
	} else if c.State == camera.Starting || c.State == camera.Idle && next == Trouble {
		return // the change before it says more
	}
	s.currentChange = c
	if s.current == s.notified {
		s.notifiedChange, s.notifiedSince = c, s.since
	}
}

// isDue reports whether a notice is due at that time.
func (s *tracker) isDue(at time.Time, minDuration time.Duration) bool {
	return s.current != s.notified && at.Sub(s.since) >= s.holdTime(at, minDuration)
}

// markNotified records that receivers know the current condition.
func (s *tracker) markNotified() {
	s.notified, s.notifiedChange, s.notifiedSince = s.current, s.currentChange, s.since
}

// holdTime returns how long the current condition must last before a notice.
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
