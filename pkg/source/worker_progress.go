package source

import (
	"fmt"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
)

// hangMargin is how much longer than its own timeouts a worker may take before it counts as hung.
const hangMargin = 5 * time.Second

// loadTimeout is how long a process may take to load OpenCV. It is long because starting again would only make a busy machine busier.
const loadTimeout = time.Minute

const loadTimeoutDetail = "camd-capture did not load OpenCV within a minute: the machine is too busy, or its disk is too slow"

// checkProgress makes the camera stalled if its worker has shown no progress for the stall timeout, and replaces the worker if
// that lasts. silent is the time since lastProgress.
func (s *supervisor) checkProgress(silent time.Duration) {
	limit := s.opts.OpenTimeout
	if s.opened {
		limit = max(s.workerSession.readTimeout, s.stallTimeout())
	}
	switch {
	case !s.loaded && silent <= loadTimeout:
	case !s.loaded:
		s.stopWorker()
		s.handleFailure(camera.WorkerHung, loadTimeoutDetail)
	case silent > limit+hangMargin && !s.opened:
		s.stopWorker()
		s.handleFailure(camera.Timeout, fmt.Sprintf("the camera did not open within %v: raise open_timeout if it is slow", s.opts.OpenTimeout))
	case silent > limit+hangMargin && s.lastFault != (fault{}): // the worker works, but all pictures are bad: start again
		s.stopWorker()
		s.handleFailure(s.lastFault.reason, s.lastFault.detail)
	case silent > limit+hangMargin && s.worker.isSession(): // a session that hangs would end with its pipe
		s.stopWorker()
		s.handleFailure(camera.Timeout, "the camera has sent no complete picture for "+silent.Round(time.Second).String())
	case silent > limit+hangMargin:
		s.stopWorker()
		s.handleFailure(camera.WorkerHung, "camd-capture sent nothing for "+silent.Round(time.Second).String())
	case s.opened && silent > s.stallTimeout() && s.lastFault != (fault{}):
		s.setState(camera.Stalled, s.lastFault.reason, s.lastFault.detail)
	case s.opened && silent > s.stallTimeout():
		s.setState(camera.Stalled, camera.Timeout, "")
	}
}

// maxFrameInterval bounds the stall timeout of a camera that declares a very low rate.
const maxFrameInterval = time.Minute

// stallTimeout returns how long the camera may deliver no picture before it is stalled: the configured time, or the time of three pictures
// if that is longer at the rate that the camera declares or that is configured for polling.
func (s *supervisor) stallTimeout() time.Duration {
	if s.opts.Source.Kind == sourceurl.Poll && s.opts.FPS > 0 { // as configured
		return max(s.opts.StallTimeout, time.Duration(3/s.opts.FPS*float64(time.Second)))
	}
	return max(s.opts.StallTimeout, s.threeFrames(s.format.FPS))
}

// threeFrames returns the time of three pictures at the rate that a source declares, 0 if it declares none.
func (s *supervisor) threeFrames(fps float64) time.Duration {
	if fps <= 0 {
		return 0
	}
	return time.Duration(min(3/fps*float64(time.Second), float64(maxFrameInterval)))
}
