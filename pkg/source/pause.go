package source

import (
	"context"
	"errors"
	"slices"
	"time"

	"camd/pkg/camera"
)

// SetPaused switches the camera off or on, and reports whether that is a change. When it returns, a camera that is switched
// off has no capture process, and no reader of its topics can get a picture any more that it ever gave; one that is
// switched on is being opened, unless it waits for somebody to watch. Its error is ctx's, or that Run has returned; then nothing
// was done.
func (c *Camera) SetPaused(ctx context.Context, paused bool) (changed bool, err error) {
	reply := make(chan bool)
	select {
	case c.pauseRequests <- pauseRequest{paused, reply}:
		return <-reply, nil // for as long as a process may take to end; once begun it is not left half done
	case <-c.done:
		return false, errCameraEnded
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// errCameraEnded is why nothing can be asked of a camera any more.
var errCameraEnded = errors.New("the camera is no more: it was taken out of the configuration, or camd ends")

// pauseRequest is a request to the camera's goroutine.
type pauseRequest struct {
	paused bool
	reply  chan<- bool
}

// handlePauseRequest applies a person's request. From then on Options.Paused has no effect.
func (s *supervisor) handlePauseRequest(paused bool) (changed bool) {
	s.pauseOverridden = true
	return s.setPaused(paused)
}

// setPaused switches the camera off or on.
func (s *supervisor) setPaused(paused bool) (changed bool) {
	if paused == s.paused {
		return false
	}
	s.paused = paused
	if paused {
		s.pause()
		return true
	}
	s.backoff.Reset() // what went wrong before says nothing
	s.openIfNeeded()
	return true
}

// pause switches the camera off. Viewers are told first: a process may take seconds to end.
func (s *supervisor) pause() {
	s.applyState(camera.Paused, camera.None, "")
	s.cancelRetry()
	s.stopWorker()
	s.Detail = s.stuckWorkerDetail()
	s.reportState(true)
}

// stuckWorkerDetail says, for people, what may still hold the device of a camera that is switched off; usually nothing.
func (s *supervisor) stuckWorkerDetail() string {
	if s.stuckWorkers = removeExited(s.stuckWorkers); len(s.stuckWorkers) > 0 {
		return "a capture process hangs inside the kernel, and may still hold the device"
	}
	return ""
}

// removeExited leaves out the workers that are gone by now.
func removeExited(stuck []*worker) []*worker {
	return slices.DeleteFunc(stuck, func(w *worker) bool {
		select {
		case <-w.exited:
			return true
		default:
			return false
		}
	})
}

// withdrawFrames puts the placeholder in the place of every picture that the topics hold, in every slot of theirs, and forgets the
// one that would be dimmed behind it.
func (s *supervisor) withdrawFrames(now time.Time) {
	s.saveBackground() // for its size
	s.background, s.freezeDetector = nil, freezeDetector{}
	for i, st := range s.streams.Load().byNumber {
		if st == nil {
			continue
		}
		if !s.hasReaders[i] {
			i = 0 // what it holds is retired, and only has to go
		}
		st.topic.Withdraw(s.placeholderFrame(i, now))
	}
}
