package source

import (
	"bytes"
	"fmt"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/spec"
)

// stillness notices pictures that repeat. A sensor's noise makes every picture a little different even of a scene where
// nothing moves; the same bytes again and again come from a driver or a camera that has stopped looking.
type stillness struct {
	newest []byte
	since  time.Time // when it first came
}

// sees takes the newest picture and returns for how long it has been the same.
func (s *stillness) sees(jpeg []byte, now time.Time) time.Duration {
	if !bytes.Equal(jpeg, s.newest) {
		s.newest, s.since = jpeg, now
	}
	return now.Sub(s.since)
}

// freeze deals with a picture that viewers have seen for too long. The camera is opened anew, after a while, like one
// that gives no pictures.
func (s *supervisor) freeze() {
	s.complaint = complaint{camera.Frozen, fmt.Sprintf("not a bit of its picture has changed for %v", s.opts.Frozen)}
	s.become(camera.Stalled, s.complaint.reason, s.complaint.detail)
}

// loadTimeout is how long a process may take to load OpenCV. A busy machine is no reason to start it again, which would only
// cost more.
const loadTimeout = time.Minute

// slotTimeout is for how long a process that loads OpenCV keeps other cameras from starting. A process that hangs must not.
const slotTimeout = 10 * time.Second

// upkeep ends a worker that is stopped or takes too much memory, and replaces one that is too old.
func (s *supervisor) upkeep(now time.Time) {
	if s.loading != nil && now.Sub(s.started) >= slotTimeout {
		s.endLoading()
	}
	process, stopped := s.process()
	switch limit, used := s.opts.Memory, int64(process.RSSBytes); {
	case s.halt.look(stopped, process.CPUSeconds):
		s.end()
		s.failed(camera.WorkerHung, "a signal stopped it (SIGSTOP)")
	case limit > 0 && used > limit:
		s.end()
		s.failed(camera.WorkerMemory, fmt.Sprintf("it took %d MiB; limits.worker_memory is %d MiB", used>>20, limit>>20))
	case s.opts.Recycle > 0 && now.Sub(s.started) >= s.opts.Recycle:
		s.replace(camera.Recycled)
	}
}

// settled is how long a worker must have run for its camera to be opened anew at once when its pictures change their size.
const settled = 5 * time.Second

// replace starts another worker at once, for a reason that is nobody's fault.
func (s *supervisor) replace(why camera.Reason) {
	s.end()
	s.restarts[why].Add(1)
	s.become(camera.Starting, why, "")
	s.launch()
}

// judge judges a worker that has given no picture for a while.
func (s *supervisor) judge(silent time.Duration) {
	limit := s.opts.Open
	if s.opened {
		limit = max(s.session.patience, s.stallAfter())
	}
	switch {
	case !s.loaded && silent <= loadTimeout:
	case !s.loaded:
		s.end()
		s.failed(camera.WorkerHung, fmt.Sprintf("it did not load OpenCV within %v: the machine is too busy, or its disk too slow", loadTimeout))
	case silent > limit+beyond && !s.opened:
		s.end()
		s.failed(camera.Timeout, "opening it took longer than "+s.opts.Open.String())
	case silent > limit+beyond && s.complaint != (complaint{}): // it works, on pictures that are of no use: begin anew
		s.end()
		s.failed(s.complaint.reason, s.complaint.detail)
	case silent > limit+beyond:
		s.end()
		s.failed(camera.WorkerHung, "no sign of life for "+silent.Round(time.Second).String())
	case s.opened && silent > s.stallAfter() && s.complaint != (complaint{}):
		s.become(camera.Stalled, s.complaint.reason, s.complaint.detail)
	case s.opened && silent > s.stallAfter():
		s.become(camera.Stalled, camera.Timeout, "")
	}
}

// slowest bounds how slow a camera may call itself.
const slowest = time.Minute

// stallAfter is the stall timeout, or three pictures' time of a camera that is slower than that by its own account.
func (s *supervisor) stallAfter() time.Duration {
	stall := s.opts.Stall
	if s.opts.Source.Kind == spec.Poll && s.opts.FPS > 0 { // the user's own word
		return max(stall, time.Duration(3/s.opts.FPS*float64(time.Second)))
	}
	if fps := s.format.FPS; fps > 0 {
		stall = max(stall, time.Duration(min(3/fps*float64(time.Second), float64(slowest))))
	}
	return stall
}
