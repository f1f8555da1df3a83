package source

import (
	"os"
	"os/exec"
	"syscall"
	"time"

	"go.uber.org/zap"

	"camd/pkg/camera"
)

// workerHost runs the other side of a worker's pipes. It is a capture process, or a session in the readers process.
type workerHost interface {
	// pid returns the process that reads only this camera, 0 if there is none.
	pid() int
	// stop is called after the request to stop. It returns when the other side has ended, or has not ended in time, and reports which.
	// received is closed when the pipe for messages has ended.
	stop(received <-chan struct{}, grace time.Duration) bool
	// close releases what is left. stop has returned, and both pipes are closed.
	close()
	// exitReason and cpuTime are those of worker.
	exitReason() (camera.Reason, string)
	cpuTime() time.Duration
}

// captureProcess is the workerHost that is a process of its own.
type captureProcess struct {
	cmd        *exec.Cmd
	exited     chan struct{} // closed when the process has been reaped
	reaped     bool          // stop has seen that
	stderrPipe *os.File
	stderrDone chan struct{} // closed when nothing reads stderrPipe
	stderr     *stderrLog
	log        *zap.Logger
}

// newCaptureProcess starts the program of cmd, whose standard error is logged.
func newCaptureProcess(cmd *exec.Cmd, stderr *stderrLog, log *zap.Logger) (*captureProcess, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = w
	err = startProcess(cmd)
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	p := &captureProcess{cmd: cmd, exited: make(chan struct{}), stderrPipe: r, stderrDone: make(chan struct{}), stderr: stderr, log: log}
	go func() { defer close(p.stderrDone); stderr.read(r) }() // close waits for it
	go func() { defer close(p.exited); _ = p.cmd.Wait() }()   // stop waits for it
	return p, nil
}

func (p *captureProcess) pid() int { return p.cmd.Process.Pid }

// killTimeout is how long stop waits for a process after SIGKILL. A process that takes longer hangs in a driver.
const killTimeout = 3 * time.Second

// stop ends the process and returns when it has been reaped. After grace it sends SIGTERM, and after grace again SIGKILL. A process that a
// signal has stopped gets SIGKILL at once, because it reacts to nothing else. If the process hangs in a driver and does not end even then,
// stop logs an error and returns. The process is reaped later.
func (p *captureProcess) stop(_ <-chan struct{}, grace time.Duration) bool {
	stat, err := processStat(p.pid())
	stopped := err == nil && isStopped(stat)
	switch {
	case !stopped && p.waitForExit(grace):
	case !stopped && p.signalAndWait(syscall.SIGTERM, grace):
	case p.signalAndWait(syscall.SIGKILL, killTimeout):
	default:
		p.log.Error("capture process not killed", zap.Int("pid", p.pid()),
			zap.String("remedy", "it hangs in a driver: unplug the camera, or restart the machine"))
	}
	return p.reaped
}

func (p *captureProcess) signalAndWait(sig os.Signal, timeout time.Duration) bool {
	_ = p.cmd.Process.Signal(sig)
	return p.waitForExit(timeout)
}

func (p *captureProcess) waitForExit(timeout time.Duration) bool {
	select {
	case <-p.exited:
		p.reaped = true
	case <-time.After(timeout):
	}
	return p.reaped
}

func (p *captureProcess) close() {
	if p.reaped {
		<-p.stderrDone // for its last output
	}
	_ = p.stderrPipe.Close()
	<-p.stderrDone
}

func (p *captureProcess) exitReason() (camera.Reason, string) {
	if !p.reaped {
		return camera.WorkerHung, "camd-capture hangs in a driver and cannot be killed: unplug the camera, or restart the machine"
	}
	detail := p.cmd.ProcessState.String()
	if last := p.stderr.lastLine(); last != "" {
		detail += ": " + last
	}
	return camera.WorkerCrashed, detail
}

func (p *captureProcess) cpuTime() time.Duration {
	if !p.reaped {
		return 0
	}
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}
