package source

import (
	"fmt"
	"time"

	"camd/pkg/camera"
)

// enforceWorkerLimits ends a worker that a signal has stopped or that takes too much memory, and replaces one that is too old.
func (s *supervisor) enforceWorkerLimits(now time.Time) {
	if s.loadingSlot != nil && now.Sub(s.started) >= slotTimeout {
		s.releaseLoadingSlot()
	}
	process, stopped := s.readWorkerProcess()
	switch limit, used := s.opts.CaptureMemory, int64(process.RSSBytes); {
	case s.sigstopDetector.check(stopped, process.CPUSeconds):
		s.stopWorker()
		s.handleFailure(camera.WorkerHung, "a signal (SIGSTOP) stopped camd-capture")
	case limit > 0 && used > limit:
		s.stopWorker()
		s.handleFailure(camera.WorkerMemory, fmt.Sprintf("camd-capture used %d MiB, more than limits.capture_memory (%d MiB)", used>>20, limit>>20))
	case s.opts.CaptureMaxAge > 0 && now.Sub(s.started) >= s.opts.CaptureMaxAge:
		s.replaceWorker(camera.Recycled)
	}
}

// minRunBeforeResize is how long a worker must have run before its camera is opened again at once after its pictures changed their size.
// A worker that ran for less counts as a failure, with backoff.
const minRunBeforeResize = 5 * time.Second

// replaceWorker replaces the worker without backoff, for a reason that is not a failure.
func (s *supervisor) replaceWorker(reason camera.Reason) {
	s.stopWorker()
	s.restarts[reason].Add(1)
	s.setState(camera.Starting, reason, "")
	s.attemptOpen()
}
