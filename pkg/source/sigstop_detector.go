package source

import (
	"github.com/prometheus/procfs"
)

// maxStoppedChecks is how many checks in a row, one a second, must find a process stopped before it is replaced. A process that is
// continued sooner is not replaced. Neither is one that is stopped and continued in turns to limit its use of a processor.
const maxStoppedChecks = 3

// sigstopDetector finds a process that a signal (SIGSTOP, SIGTSTP) has stopped and nobody has continued. It uses the state that the
// kernel reports: on a busy machine, a healthy process can send nothing for a long time.
type sigstopDetector struct {
	stoppedChecks int     // checks in a row that found the process stopped, without processor time used in between
	lastCPU       float64 // seconds of processor time used at the last check
}

// check records the process's state, which the caller reads once a second, and reports whether to replace the process.
func (s *sigstopDetector) check(stopped bool, cpu float64) bool {
	switch {
	case !stopped:
		s.stoppedChecks = 0
	case s.stoppedChecks > 0 && cpu != s.lastCPU: // it ran in between
		s.stoppedChecks = 1
	default:
		s.stoppedChecks++
	}
	s.lastCPU = cpu
	return s.stoppedChecks >= maxStoppedChecks
}

// isStopped reports whether a signal has stopped the process. A process that a debugger has stopped is in another state.
func isStopped(s procfs.ProcStat) bool { return s.State == "T" }
