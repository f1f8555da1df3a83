package source

import (
	"context"
	"errors"
	"slices"

	"camd/pkg/camera"
)

// SetPaused turns the camera off or on, and reports whether that was a change.
//
// When it returns, a camera that is turned off has no capture process, except one that hangs in a driver. Readers of its
// topics can get no picture that was taken before. A camera that is turned on is being opened, unless it is on demand and nobody
// watches.
//
// The error is ctx's, or says that Run has returned. On an error, nothing was changed.
func (c *Camera) SetPaused(ctx context.Context, paused bool) (changed bool, err error) {
	reply := make(chan bool)
	select {
	case c.pauseRequests <- pauseRequest{paused, reply}:
		return <-reply, nil // without ctx: a change that has begun is completed, which takes as long as the process takes to end
	case <-c.done:
		return false, errCameraEnded
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// errCameraEnded is the error of requests to a camera or fleet whose Run has returned.
var errCameraEnded = errors.New("the camera no longer exists: it was removed from the configuration, or camd is stopping")

// pauseRequest is a request to the supervisor.
type pauseRequest struct {
	paused bool
	reply  chan<- bool
}

// handlePauseRequest applies the request of a person. From then on, Options.Paused has no effect.
func (s *supervisor) handlePauseRequest(paused bool) (changed bool) {
	s.pauseOverridden = true
	return s.setPaused(paused)
}

// setPaused turns the camera off or on, and reports whether that was a change.
func (s *supervisor) setPaused(paused bool) (changed bool) {
	if paused == s.paused {
		return false
	}
	s.paused = paused
	if paused {
		s.pause()
		return true
	}
	s.backoff.Reset() // earlier failures do not count
	s.openIfNeeded()
	return true
}

// pause turns the camera off. It withdraws the pictures before it stops the process, which may take seconds.
func (s *supervisor) pause() {
	s.applyState(camera.Paused, camera.None, "")
	s.cancelRetry()
	s.stopWorker()
	s.Detail = s.stuckWorkerDetail()
	s.reportState(true)
}

// stuckWorkerDetail returns the detail of a camera that is turned off: that a process may still hold its device, or usually "".
func (s *supervisor) stuckWorkerDetail() string {
	if s.stuckWorkers = removeExited(s.stuckWorkers); len(s.stuckWorkers) > 0 {
		return "camd-capture hangs in a driver and may still use the device: unplug the camera, or restart the machine"
	}
	return ""
}

// removeExited removes the workers that have exited from the list.
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

// withdrawFrames makes every picture in every topic unreachable, and drops the background, so that the placeholder shows none. The caller
// must publish the placeholder afterwards.
func (s *supervisor) withdrawFrames() {
	s.saveBackground() // for lastFrameSize
	s.background, s.freezeDetector = nil, freezeDetector{}
	s.decoder.freeze, s.subDecoder.freeze = freezeDetector{}, freezeDetector{}
	for _, st := range s.streams.Load().byNumber {
		if st != nil {
			st.topic.Withdraw()
		}
	}
	for _, t := range s.tracks.Load().all() {
		t.withdraw()
	}
}
