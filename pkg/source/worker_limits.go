package source

import (
	"fmt"
	"time"

	"camd/pkg/camera"
)

// enforceWorkerLimits ends a worker that a signal has stopped or that takes too much memory, and replaces one that is too old.
func (s *supervisor) enforceWorkerLimits(now time.Time) {
	switch reason, detail := s.exceededLimit(&s.workerSession, &s.usage, now); reason {
	case camera.None:
	case camera.Recycled:
		s.replaceWorker(reason)
	default:
		s.stopWorker()
		s.handleFailure(reason, detail)
	}
}

// exceededLimit returns why a worker that runs must be replaced, or camera.None. A session of the readers process has no limits of its own.
func (s *supervisor) exceededLimit(ws *workerSession, usage *workerUsage, now time.Time) (camera.Reason, string) {
	if ws.worker.isSession() {
		return camera.None, ""
	}
	if ws.loadingSlot != nil && now.Sub(ws.slotSince) >= slotTimeout {
		ws.releaseLoadingSlot()
	}
	process, stopped := s.readProcess(usage)
	switch limit, used := s.opts.CaptureMemory, int64(process.RSSBytes); {
	case ws.sigstopDetector.check(stopped, process.CPUSeconds):
		return camera.WorkerHung, "a signal (SIGSTOP) stopped camd-capture"
	case limit > 0 && used > limit:
		return camera.WorkerMemory, fmt.Sprintf("camd-capture used %d MiB, more than limits.capture_memory (%d MiB)", used>>20, limit>>20)
	case s.opts.CaptureMaxAge > 0 && now.Sub(ws.started) >= s.opts.CaptureMaxAge:
		return camera.Recycled, ""
	}
	return camera.None, ""
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
