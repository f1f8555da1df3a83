package source

import (
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"camd/pkg/camera"
)

// Limits on workers that are replaced at once after a failure: quickRestartBurst, and then one in quickRestartInterval. To load OpenCV takes
// 0.2 s of processor time, so a stream that crashes its decoder again and again costs a tenth of a processor.
const (
	quickRestartInterval = 2 * time.Second
	quickRestartBurst    = 20
)

func newQuickRestarts() *rate.Limiter {
	return rate.NewLimiter(rate.Every(quickRestartInterval), quickRestartBurst)
}

// failSecondary ends the worker and schedules the next attempt.
func (s *supervisor) failSecondary(x *secondary, reason camera.Reason, detail string) {
	isQuick := x.mayRestartAtOnce(reason)
	s.endSecondary(x)
	x.queuedSlot.release()
	x.queuedSlot, x.hasFrame = nil, false
	wait := x.backoff.NextBackOff()
	if isQuick {
		wait = 0
	}
	x.retry = time.After(wait)
	s.restarts[reason].Add(1)
	level := zap.WarnLevel
	if x.state.State == camera.Offline && x.state.Reason == reason && x.state.Detail == detail { // as the attempt before
		level = zap.DebugLevel
	}
	s.log.Log(level, x.name+" failed", zap.String("reason", string(reason)), zap.String("detail", detail))
	if isQuick { // viewers keep the picture that they have
		x.setState(camera.Starting, reason, detail)
		return
	}
	x.setState(camera.Offline, reason, detail)
}

// mayRestartAtOnce reports whether a worker that has failed is replaced without delay: if it delivered frames until its process crashed, was
// stopped or had to be ended, or until the pictures changed their size. The delay of workers that fail more often than the limits allow grows.
func (x *secondary) mayRestartAtOnce(reason camera.Reason) bool {
	isInterrupted := slices.Contains([]camera.Reason{camera.WorkerCrashed, camera.WorkerHung, camera.WorkerMemory, camera.Resized}, reason)
	isQuick := x.quickRestarts != nil && x.hasFrame && isInterrupted && x.state.State != camera.Stalled && x.quickRestarts.Allow()
	if isQuick || x.hasFrame && x.quickRestarts == nil {
		x.backoff.Reset()
	}
	return isQuick
}
