package source

import (
	"github.com/prometheus/procfs"
)

// maxStoppedChecks is how many checks in a row, one a second, must find a process stopped before it is replaced. A process that is
// continued sooner, or stopped and continued in turns to limit its use of a processor, is left alone.
const maxStoppedChecks = 3

// stoppedDetector notices a process that was stopped by a signal (SIGSTOP, SIGTSTP) and not continued. It goes by the state that the
// kernel reports, and not by silence: on a busy machine a healthy process can be silent for long.
type stoppedDetector struct {
	stoppedChecks int     // that found it stopped in a row, without use of a processor in between
	lastCPU       float64 // seconds that it had used at the last check
}

// check takes the process' state once a second, and reports whether the process is to be replaced.
func (h *stoppedDetector) check(stopped bool, cpu float64) bool {
	switch {
	case !stopped:
		h.stoppedChecks = 0
	case h.stoppedChecks > 0 && cpu != h.lastCPU: // it ran in between
		h.stoppedChecks = 1
	default:
		h.stoppedChecks++
	}
	h.lastCPU = cpu
	return h.stoppedChecks >= maxStoppedChecks
}

// isStopped reports whether a signal has stopped the process. A process that a debugger has stopped is in another state.
func isStopped(s procfs.ProcStat) bool { return s.State == "T" }
