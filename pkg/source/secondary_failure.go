package source

import (
	"time"

	"go.uber.org/zap"

	"camd/pkg/camera"
)

// steadyRun is how long a worker that is replaced at once must have run to count as one without a fault of its own.
const steadyRun = 30 * time.Second

// failSecondary ends the worker and schedules the next attempt.
func (s *supervisor) failSecondary(x *secondary, reason camera.Reason, detail string) {
	isQuick := x.mayRestartAtOnce()
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

// mayRestartAtOnce reports whether a worker that has failed is replaced without delay. Of workers that fail again and again before
// steadyRun, at most one in that time is, and the delay of the others grows.
func (x *secondary) mayRestartAtOnce() bool {
	ran := time.Since(x.started)
	isSteady := x.quickRestart == 0 || ran >= steadyRun
	if x.hasFrame && isSteady {
		x.backoff.Reset()
	}
	if !x.hasFrame || x.quickRestart == 0 || ran < x.quickRestart || !isSteady && time.Since(x.restarted) < steadyRun {
		return false
	}
	x.restarted = time.Now()
	return true
}
