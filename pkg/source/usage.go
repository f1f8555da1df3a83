package source

import (
	"time"

	"github.com/prometheus/procfs"

	"camd/pkg/camera"
)

// usage is what a camera's capture processes cost.
type usage struct {
	pid     int
	earlier time.Duration // processor time of those that have ended
}

// read asks the kernel about the process that runs now.
func (u usage) read() camera.Worker {
	w := camera.Worker{PID: u.pid, CPUSeconds: u.earlier.Seconds()}
	if u.pid == 0 {
		return w
	}
	// It may end at any moment; then its figures are missing until the supervisor has reaped it.
	if p, err := procfs.NewProc(u.pid); err == nil {
		if s, err := p.Stat(); err == nil {
			w.CPUSeconds += s.CPUTime()
			w.RSSBytes = uint64(s.ResidentMemory())
		}
	}
	return w
}
