package source

import (
	"time"

	"github.com/prometheus/procfs"

	"camd/pkg/camera"
)

// workerUsage is what a camera's capture processes use.
type workerUsage struct {
	pid          int           // of the process that runs now; 0 for none
	endedCPUTime time.Duration // processor time of all processes that have ended
	starts       uint64        // processes started
	started      time.Time     // when the process that runs now was started
	endedRunTime time.Duration // how long all processes that have ended ran
}

// set records the process that runs now, 0 for none, and the processor time that the previous process used.
func (u *workerUsage) set(pid int, used time.Duration, now time.Time) {
	u.endedRunTime = u.runTime(now)
	u.endedCPUTime += used
	if u.pid, u.started = pid, now; pid != 0 {
		u.starts++
	}
}

// runTime returns how long processes have run.
func (u *workerUsage) runTime(now time.Time) time.Duration {
	if u.pid == 0 {
		return u.endedRunTime
	}
	return u.endedRunTime + now.Sub(u.started)
}

// read reads the usage of the present process from /proc, and reports whether a signal has stopped it.
func (u workerUsage) read() (w camera.Worker, stopped bool) {
	w = camera.Worker{PID: u.pid, CPUSeconds: u.endedCPUTime.Seconds()}
	if u.pid == 0 {
		return w, false
	}
	// The process may end at any moment. Its values are then missing until the supervisor has reaped it.
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
