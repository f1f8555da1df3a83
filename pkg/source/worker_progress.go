package source

import (
	"fmt"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
)

// hangMargin is what a worker may take longer than its own timeouts before it counts as hung.
const hangMargin = 5 * time.Second

// loadTimeout is how long a process may take to load OpenCV. A busy machine is no reason to start it again, which would only
// cost more.
const loadTimeout = time.Minute

// checkProgress checks a worker that has given no picture for a while.
func (s *supervisor) checkProgress(silent time.Duration) {
	limit := s.opts.OpenTimeout
	if s.opened {
		limit = max(s.workerSession.readTimeout, s.stallTimeout())
	}
	switch {
	case !s.loaded && silent <= loadTimeout:
	case !s.loaded:
		s.stopWorker()
		s.handleFailure(camera.WorkerHung, fmt.Sprintf("it did not load OpenCV within %v: the machine is too busy, or its disk too slow", loadTimeout))
	case silent > limit+hangMargin && !s.opened:
		s.stopWorker()
		s.handleFailure(camera.Timeout, "opening it took longer than "+s.opts.OpenTimeout.String())
	case silent > limit+hangMargin && s.lastFault != (fault{}): // it works, on pictures that are of no use: start again
		s.stopWorker()
		s.handleFailure(s.lastFault.reason, s.lastFault.detail)
	case silent > limit+hangMargin:
		s.stopWorker()
		s.handleFailure(camera.WorkerHung, "no sign of life for "+silent.Round(time.Second).String())
	case s.opened && silent > s.stallTimeout() && s.lastFault != (fault{}):
		s.setState(camera.Stalled, s.lastFault.reason, s.lastFault.detail)
	case s.opened && silent > s.stallTimeout():
		s.setState(camera.Stalled, camera.Timeout, "")
	}
}

// maxFrameInterval bounds how slow a camera may call itself.
const maxFrameInterval = time.Minute

// stallTimeout is the stall timeout, or three pictures' time of a camera that is slower than that by its own account.
func (s *supervisor) stallTimeout() time.Duration {
	stall := s.opts.StallTimeout
	if s.opts.Source.Kind == sourceurl.Poll && s.opts.FPS > 0 { // as configured
		return max(stall, time.Duration(3/s.opts.FPS*float64(time.Second)))
	}
	if fps := s.format.FPS; fps > 0 {
		stall = max(stall, time.Duration(min(3/fps*float64(time.Second), float64(maxFrameInterval))))
	}
	return stall
}
