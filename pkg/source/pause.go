package source

import (
	"context"
	"errors"
	"slices"
	"time"

	"camd/pkg/camera"
)

// Pause switches the camera off or on, and reports whether that is a change. When it returns, a camera that is switched
// off has no capture process, and no reader of its topics can get a picture any more that it ever gave; one that is
// switched on is being opened, unless it waits for somebody to watch. Its error is ctx's, or that Run has returned; then nothing
// was done.
func (c *Camera) Pause(ctx context.Context, paused bool) (changed bool, err error) {
	answer := make(chan bool)
	select {
	case c.switches <- switching{paused, answer}:
		return <-answer, nil // for as long as a process may take to end; once begun it is not left half done
	case <-c.gone:
		return false, errGone
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// errGone is why nothing can be asked of a camera any more.
var errGone = errors.New("the camera is no more: it was taken out of the configuration, or camd ends")

// switching is a request to the camera's goroutine.
type switching struct {
	paused bool
	answer chan<- bool
}

// obey does what a person asked for. From then on the configuration has no say in it.
func (s *supervisor) obey(paused bool) (changed bool) {
	s.switched = true
	return s.turnTo(paused)
}

// turnTo switches the camera off or on.
func (s *supervisor) turnTo(paused bool) (changed bool) {
	if paused == s.paused {
		return false
	}
	s.paused = paused
	if paused {
		s.pause()
		return true
	}
	s.backoff.Reset() // what went wrong before says nothing
	s.begin()
	return true
}

// pause switches the camera off. Viewers are told first: a process may take seconds to end.
func (s *supervisor) pause() {
	s.enter(camera.Paused, camera.None, "")
	s.settle()
	s.end()
	s.detail = s.hold()
	s.announce(true)
}

// hold says, for people, what may still hold the device of a camera that is switched off; usually nothing.
func (s *supervisor) hold() string {
	if s.stuck = stillThere(s.stuck); len(s.stuck) > 0 {
		return "a capture process hangs inside the kernel, and may still hold the device"
	}
	return ""
}

// stillThere leaves out the workers that are gone by now.
func stillThere(stuck []*worker) []*worker {
	return slices.DeleteFunc(stuck, func(w *worker) bool {
		select {
		case <-w.exited:
			return true
		default:
			return false
		}
	})
}

// withdraw puts the placeholder in the place of every picture that the topics hold, in every slot of theirs, and forgets the
// one that would be dimmed behind it.
func (s *supervisor) withdraw(now time.Time) {
	s.look() // for its size
	s.background, s.still = nil, stillness{}
	for i, st := range s.streams.Load().numbered {
		if st == nil {
			continue
		}
		if !s.wants[i] {
			i = 0 // what it holds is retired, and only has to go
		}
		st.topic.Withdraw(s.card(i, now))
	}
}
