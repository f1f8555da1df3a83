package source

import (
	"cmp"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"camd/pkg/camera"
)

// secondary is a second worker that a live camera needs beside the one that reads it: a decoder, or the session that reads the smaller
// stream. If it fails, it is started again, and the state of the camera does not change.
type secondary struct {
	workerSession
	name       string             // for logs
	state      camera.StateChange // Idle while it is not wanted
	queuedSlot *startSlot         // nil unless it waits for permission to load OpenCV
	retry      <-chan time.Time
	backoff    *backoff.ExponentialBackOff

	queue         *startQueue   // grants the slot in which it starts; nil if it needs none
	quickRestarts *rate.Limiter // of workers that are replaced at once after a failure; nil for none
	usage         *workerUsage  // of its process; guarded by stats.mu

	start   func() (*worker, error)
	ready   func()      // the worker has loaded OpenCV, or has got a slot after that; may be nil
	handle  func(event) // events other than those that every worker sends
	ending  func()      // the worker is about to be stopped
	changed func()      // the state has changed
}

func newSecondary(name string, usage *workerUsage) *secondary {
	return &secondary{name: name, usage: usage, state: camera.StateChange{State: camera.Idle}, backoff: newBackoff()}
}

// runSecondary starts or stops a secondary worker, as wanted.
func (s *supervisor) runSecondary(x *secondary, wanted bool) {
	isRunning := x.worker != nil || x.queuedSlot != nil || x.retry != nil
	switch {
	case wanted == isRunning:
	case !wanted:
		s.stopSecondary(x)
	default:
		x.setState(camera.Starting, camera.None, "")
		s.openSecondary(x)
	}
}

// openSecondary starts the worker, or waits for a start slot.
func (s *supervisor) openSecondary(x *secondary) {
	x.retry = nil
	if x.queue != nil {
		x.queuedSlot = x.queue.join()
		return
	}
	s.startSecondary(x)
}

// startSecondary starts the worker, in a start slot if it waited for one.
func (s *supervisor) startSecondary(x *secondary) {
	slot := x.queuedSlot
	x.queuedSlot = nil
	if x.worker != nil {
		x.holdSlot(slot)
		x.ready()
		return
	}
	w, err := x.start()
	if err != nil {
		slot.release()
		s.failSecondary(x, camera.WorkerMissing, err.Error())
		return
	}
	x.workerSession = newWorkerSession(w, slot)
	s.setProcess(x.usage, w.pid(), 0)
}

// stopSecondary ends the worker and everything that waits for it.
func (s *supervisor) stopSecondary(x *secondary) {
	x.retry = nil
	x.queuedSlot.release()
	x.queuedSlot = nil
	s.endSecondary(x)
	x.setState(camera.Idle, camera.None, "")
}

// endSecondary ends the worker, if one runs.
func (s *supervisor) endSecondary(x *secondary) {
	if x.worker == nil {
		return
	}
	x.ending()
	s.endSession(&x.workerSession, x.usage)
}

func (x *secondary) setState(state camera.State, reason camera.Reason, detail string) {
	if x.state.State != state {
		x.state.Since = time.Now()
	}
	x.state.State, x.state.Reason, x.state.Detail = state, reason, detail
	x.changed()
}

// handleSecondaryEvent handles an event of the worker. ok is false when the worker has ended.
func (s *supervisor) handleSecondaryEvent(x *secondary, e event, ok bool) {
	if !ok {
		w := x.worker
		s.endSecondary(x)
		reason, detail := w.exitReason()
		s.failSecondary(x, reason, detail)
		return
	}
	switch e := e.(type) {
	case loadedEvent:
		if !x.loaded {
			x.loaded, x.lastProgress = true, time.Now()
			if x.ready != nil {
				x.ready()
			}
		}
	case openedEvent:
		x.opened, x.format, x.lastProgress = true, e.Format, time.Now()
	case endedEvent:
		end := s.knownEnd(e)
		s.failSecondary(x, end.reason, end.detail)
	default:
		x.handle(e)
	}
}

// noteGoodFrame records that the worker delivers good frames.
func (x *secondary) noteGoodFrame() {
	x.lastProgress, x.lastFault = time.Now(), fault{}
	if x.hasFrame = true; x.state.State != camera.Live {
		x.setState(camera.Live, camera.None, "")
	}
}

// checkSecondary shows that a worker delivers no good frames, and replaces it if that lasts, or if it exceeds a limit. isFed reports
// whether it should be sending frames.
func (s *supervisor) checkSecondary(x *secondary, now time.Time, isFed bool) {
	if x.worker == nil {
		return
	}
	if !isFed && x.loaded { // while it loads OpenCV, it gets nothing
		x.lastProgress = now
	}
	silent, stall, limit := now.Sub(x.lastProgress), max(s.stallTimeout(), s.threeFrames(x.format.FPS)), s.opts.OpenTimeout
	if x.opened {
		limit = max(stall, s.opts.startMessage().ReadTimeout)
	}
	switch reason, detail := s.exceededLimit(&x.workerSession, x.usage, now); {
	case reason == camera.Recycled:
		s.stopSecondary(x)
		s.restarts[reason].Add(1)
		x.setState(camera.Starting, reason, "")
		s.openSecondary(x)
	case reason != camera.None:
		s.failSecondary(x, reason, detail)
	case !x.loaded && silent > loadTimeout:
		s.failSecondary(x, camera.WorkerHung, loadTimeoutDetail)
	case x.loaded && silent > limit+hangMargin && x.lastFault != (fault{}):
		s.failSecondary(x, x.lastFault.reason, x.lastFault.detail)
	case x.loaded && silent > limit+hangMargin:
		s.failSecondary(x, camera.WorkerHung, fmt.Sprintf("%s sent nothing for %v", x.name, silent.Round(time.Second)))
	case x.state.State == camera.Live && silent > stall:
		x.setState(camera.Stalled, cmp.Or(x.lastFault.reason, camera.Timeout), x.lastFault.detail)
	}
}
