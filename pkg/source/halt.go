package source

import (
	"github.com/prometheus/procfs"
)

// haltLimit is how many looks in a row, one a second, must find a process stopped before it is replaced. A process that is
// continued sooner, or stopped and continued in turns to limit its use of a processor, is left alone.
const haltLimit = 3

// halt notices a process that was stopped by a signal (SIGSTOP, SIGTSTP) and not continued. It goes by the state that the
// kernel reports, and not by silence: on a busy machine a healthy process can be silent for long.
type halt struct {
	looks int     // that found it stopped in a row, without use of a processor in between
	cpu   float64 // seconds that it had used at the last look
}

// look takes the process' state once a second, and reports whether the process is to be replaced.
func (h *halt) look(stopped bool, cpu float64) bool {
	switch {
	case !stopped:
		h.looks = 0
	case h.looks > 0 && cpu != h.cpu: // it ran in between
		h.looks = 1
	default:
		h.looks++
	}
	h.cpu = cpu
	return h.looks >= haltLimit
}

// isStopped reports whether a signal has stopped the process. A process that a debugger has stopped is in another state.
func isStopped(s procfs.ProcStat) bool { return s.State == "T" }
