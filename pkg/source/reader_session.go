package source

import (
	"cmp"
	"fmt"
	"time"

	"go.uber.org/zap"

	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
)

// readerSession is the workerHost that is a session in a readers process.
type readerSession struct {
	pool     *readerPool
	process  *readerProcess
	cameraID string
	redactor sourceurl.Redactor
}

func (s *readerSession) pid() int {
	if s.process.isPrivate {
		return s.process.cmd.Process.Pid
	}
	return 0
}

// stuckGrace is how long stop waits for a session if another one of the process did not end.
const stuckGrace = 50 * time.Millisecond

// stop waits until the session has ended, for grace at most. It never kills the shared process, but a process with a session that does not
// end gets no more cameras.
func (s *readerSession) stop(received <-chan struct{}, grace time.Duration) bool {
	if s.process.isStuck() {
		grace = min(grace, stuckGrace)
	}
	select {
	case <-received:
	case <-time.After(grace):
		s.pool.log.Warn("reader did not stop", zap.String("camera", s.cameraID), zap.Int("pid", s.process.cmd.Process.Pid))
		s.process.markStuck()
		s.pool.retire(s.process)
	}
	return true
}

func (s *readerSession) close() { s.process.release(s.redactor, readerEndTimeout) }

// crashTimeout is how long exitReason waits for the process whose pipe has ended. A traceback takes milliseconds to print.
const crashTimeout = time.Second

func (s *readerSession) exitReason() (camera.Reason, string) {
	crash, ended := s.crash()
	switch {
	case !ended:
		return camera.WorkerCrashed, "the reader ended without a reason"
	case crash.line == "":
		return camera.WorkerCrashed, "the readers process ended: " + s.process.cmd.ProcessState.String()
	case s.process.isPrivate || crash.camera == s.cameraID:
		return camera.WorkerCrashed, fmt.Sprintf("the reader crashed on what this camera sent: %s, in %s", crash.line, cmp.Or(crash.frame, "an unknown function"))
	case crash.camera != "": // a user of this camera may not know the name of that one
		return camera.WorkerCrashed, "the readers process crashed on what another camera sent"
	}
	return camera.WorkerCrashed, "the readers process crashed: " + crash.line
}

// isCrashOfOther reports whether the process has crashed on what another camera sent.
func (s *readerSession) isCrashOfOther() bool {
	crash, ended := s.crash()
	return ended && crash.camera != "" && crash.camera != s.cameraID
}

// crash returns what is known of the process's crash, and whether the process has ended.
func (s *readerSession) crash() (crashReport, bool) {
	select {
	case <-s.process.exited:
		return s.process.stderr.crashReport(), true
	case <-time.After(crashTimeout):
		return crashReport{}, false
	}
}

// cpuTime returns the processor time of a process that has only this session.
func (s *readerSession) cpuTime() time.Duration {
	if !s.process.isPrivate || !s.process.hasExited() {
		return 0
	}
	return s.process.cmd.ProcessState.UserTime() + s.process.cmd.ProcessState.SystemTime()
}
