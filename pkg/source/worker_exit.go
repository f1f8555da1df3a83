package source

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"camd/pkg/camera"
)

// handleWorkerExit stops a worker that has ended or reported its end, and handles the reason.
func (s *supervisor) handleWorkerExit() {
	w := s.worker
	s.stopWorker()
	end := endedEvent{}
	if s.reportedEnd != nil {
		end = s.knownEnd(*s.reportedEnd)
	} else {
		end.reason, end.detail = w.exitReason()
	}
	if end.unsupported && s.fallBack() {
		s.log.Warn("camera is read by OpenCV, which takes more CPU time", zap.String("reason", string(end.reason)), zap.String("detail", end.detail))
		s.restarts[end.reason].Add(1)
		s.setState(camera.Starting, camera.None, "")
		s.attemptOpen()
		return
	}
	if s.reportedEnd == nil && w.isCrashOfOther() {
		s.replaceWorker(camera.WorkerCrashed)
		return
	}
	if end.reason == camera.Resized && s.hasFrame && time.Since(s.started) > minRunBeforeResize {
		s.replaceWorker(camera.Resized)
		return
	}
	s.handleFailure(end.reason, end.detail)
}

// knownEnd returns the end that a worker has reported, with another reason if a worker cannot have that reason.
func (s *supervisor) knownEnd(end endedEvent) endedEvent {
	if end.reason == camera.None {
		return endedEvent{reason: camera.WorkerCrashed, detail: "another program stopped camd-capture"}
	}
	if _, known := s.restarts[end.reason]; !known {
		return endedEvent{reason: camera.WorkerCrashed, detail: fmt.Sprintf("camd-capture ended with the unknown reason %q", end.reason)}
	}
	return end
}
