package source

import (
	"time"

	"github.com/prometheus/procfs"

	"camd/pkg/camera"
)

// workerUsage is what a camera's capture processes cost.
type workerUsage struct {
	pid          int
	endedCPUTime time.Duration // processor time of those that have ended
}

// read asks the kernel about the process that runs now.
func (u workerUsage) read() (w camera.Worker, stopped bool) {
	w = camera.Worker{PID: u.pid, CPUSeconds: u.endedCPUTime.Seconds()}
	if u.pid == 0 {
		return w, false
	}
	// It may end at any moment; then its figures are missing until the supervisor has reaped it.
	s, err := processStat(u.pid)
	if err != nil {
		return w, false
	}
	w.CPUSeconds += s.CPUTime()
	w.RSSBytes = uint64(s.ResidentMemory())
	return w, isStopped(s)
}

func processStat(pid int) (procfs.ProcStat, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return procfs.ProcStat{}, err
	}
	return p.Stat()
}
