package source

import (
	"fmt"
	"time"

	"camd/pkg/camera"
)

// slotTimeout is for how long a process that loads OpenCV keeps other cameras from starting. A process that hangs must not.
const slotTimeout = 10 * time.Second

// checkWorker ends a worker that is stopped or takes too much memory, and replaces one that is too old.
func (s *supervisor) checkWorker(now time.Time) {
	if s.loadingSlot != nil && now.Sub(s.started) >= slotTimeout {
		s.releaseLoadingSlot()
	}
	process, stopped := s.readWorkerProcess()
	switch limit, used := s.opts.WorkerMemory, int64(process.RSSBytes); {
	case s.stopDetector.check(stopped, process.CPUSeconds):
		s.stopWorker()
		s.handleFailure(camera.WorkerHung, "a signal stopped it (SIGSTOP)")
	case limit > 0 && used > limit:
		s.stopWorker()
		s.handleFailure(camera.WorkerMemory, fmt.Sprintf("it took %d MiB; limits.worker_memory is %d MiB", used>>20, limit>>20))
	case s.opts.WorkerMaxAge > 0 && now.Sub(s.started) >= s.opts.WorkerMaxAge:
		s.replaceWorker(camera.Recycled)
	}
}

// minRunBeforeResize is how long a worker must have run for its camera to be opened again at once when its pictures change their size.
const minRunBeforeResize = 5 * time.Second

// replaceWorker starts another worker at once, for a reason that is no failure.
func (s *supervisor) replaceWorker(reason camera.Reason) {
	s.stopWorker()
	s.restarts[reason].Add(1)
	s.setState(camera.Starting, reason, "")
	s.attemptOpen()
}
