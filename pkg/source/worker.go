package source

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// WorkerName is the capture program's file name.
const WorkerName = "camd-capture"

// FindWorker returns the path of the capture program. It looks beside this executable, then in /usr/lib/camd, then in PATH.
func FindWorker() (string, error) {
	tried := []string{filepath.Join("/usr/lib/camd", WorkerName)}
	if self, err := os.Executable(); err == nil {
		tried = append([]string{filepath.Join(filepath.Dir(self), WorkerName)}, tried...)
	}
	for _, path := range tried {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	if path, err := exec.LookPath(WorkerName); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%s not found (looked for %s, and in PATH): install it beside camd, or build it with make build",
		WorkerName, strings.Join(tried, ", "))
}

// pipeSize is the size of the pipe for messages. A whole picture of usual size fits into it. With the default of 64 KiB, pictures would
// pass in pieces, and each piece costs a switch between the two processes.
const pipeSize = 1 << 20

// worker is a capture process. Only the goroutine that started it may call its methods.
type worker struct {
	cmd           *exec.Cmd
	commandPipe   *os.File
	commandWriter *wire.Writer
	commandMu     sync.Mutex    // guards the two before: the feeder of a decoder sends, too
	events        chan event    // closed after the last message of the process
	quit          chan struct{} // closed when nobody receives from events any more
	exited        chan struct{} // closed when the process has been reaped
	readers       sync.WaitGroup
	outputPipes   [2]*os.File // messages and log output; stop closes them
	stderr        *stderrLog
	limits        media.Limits
	log           *zap.Logger
	reaped        bool // stop has seen the process reaped

	renditionCount atomic.Int32 // how many renditions the process knows, main included
}

// startWorker starts the capture program at path and sends it start. The caller must call stop.
func startWorker(path string, start wire.Start, log *zap.Logger) (*worker, error) {
	var parent, child [3]*os.File // commands, messages, log output
	closeAll := func(files []*os.File) {
		for _, f := range files {
			if f != nil {
				_ = f.Close()
			}
		}
	}
	defer func() { closeAll(child[:]) }()
	for i := range parent {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(parent[:])
			return nil, fmt.Errorf("pipe: %w", err)
		}
		if parent[i], child[i] = r, w; i == 0 {
			parent[i], child[i] = w, r
		}
	}
	enlargePipe(parent[1])

	w := &worker{
		cmd:           exec.Command(path),
		commandPipe:   parent[0],
		commandWriter: wire.NewWriter(parent[0]),
		events:        make(chan event),
		quit:          make(chan struct{}),
		exited:        make(chan struct{}),
		outputPipes:   [2]*os.File(parent[1:]),
		stderr:        newStderrLog(log, start),
		limits:        start.Limits.OrDefault(),
		log:           log,
	}
	w.cmd.Stdin, w.cmd.Stdout, w.cmd.Stderr = child[0], child[1], child[2]
	w.cmd.Env = workerEnvironment()
	// A process group of its own, so that Ctrl-C reaches only camd, which then stops its workers.
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// The process must not inherit descriptors with which camd was started. Kernels before 5.11 do not know the flag.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err := w.cmd.Start(); err != nil {
		closeAll(parent[:])
		return nil, err
	}
	w.renditionCount.Store(int32(1 + len(start.Renditions)))
	w.readers.Go(func() { w.receive(w.outputPipes[0]) })
	w.readers.Go(func() { w.stderr.read(w.outputPipes[1]) })
	go func() { _ = w.cmd.Wait(); close(w.exited) }() // stop waits for it
	// A worker that does not read these messages sends none, and is replaced for that.
	w.send(wire.Hello{Version: wire.Version})
	w.send(start)
	return w, nil
}

// enlargePipe gives a pipe room for pipeSize bytes. The kernel refuses that to users with many large pipes
// (pipe-user-pages-soft). Pictures then pass in pieces.
func enlargePipe(pipe *os.File) {
	if conn, err := pipe.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
	}
}

// workerEnvironment returns the environment of a capture process. It takes only those variables from camd's own environment that OpenCV
// and FFmpeg need, because others may hold secrets.
func workerEnvironment() []string {
	// Go's preemption signal would interrupt OpenCV's select. OpenCV would treat that as a failed read.
	env := []string{"LC_ALL=C.UTF-8", "OPENCV_LOG_LEVEL=WARNING", "GODEBUG=asyncpreemptoff=1"}
	for _, name := range []string{"PATH", "HOME", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// commandTimeout is how long send waits for a worker that does not read: it must not block its supervisor. The time also has to cover
// pauses of this process, since a write after its deadline fails even if the pipe has room.
const commandTimeout = time.Second

// send writes a command to the worker, and waits commandTimeout at most. It ignores errors, because checkProgress finds a worker that
// does not read.
func (w *worker) send(m wire.Message) {
	w.commandMu.Lock()
	defer w.commandMu.Unlock()
	_ = w.commandPipe.SetWriteDeadline(time.Now().Add(commandTimeout))
	_ = w.commandWriter.Write(m)
}

// killTimeout is how long stop waits for a process after SIGKILL. A process that takes longer hangs in a driver.
const killTimeout = 3 * time.Second

// stop ends the process and returns when it has been reaped. It first sends a request to stop, after grace SIGTERM, and after grace again
// SIGKILL. A process that a signal has stopped gets SIGKILL at once, because it reacts to nothing else. If the process hangs in a driver
// and does not end even then, stop logs an error and returns. The process is reaped later.
func (w *worker) stop(grace time.Duration) {
	close(w.quit)
	w.send(wire.Stop{})
	_ = w.commandPipe.Close()
	stat, err := processStat(w.cmd.Process.Pid)
	stopped := err == nil && isStopped(stat)
	switch {
	case !stopped && w.waitForExit(grace):
	case !stopped && w.signalAndWait(syscall.SIGTERM, grace):
	case w.signalAndWait(syscall.SIGKILL, killTimeout):
	default:
		w.log.Error("capture process not killed", zap.Int("pid", w.cmd.Process.Pid),
			zap.String("remedy", "it hangs in a driver: unplug the camera, or restart the machine"))
	}
	if w.reaped {
		w.readers.Wait() // for its last output
	}
	for _, p := range w.outputPipes {
		_ = p.Close()
	}
	w.readers.Wait()
}

// pid returns the process, 0 for a session in a process that other cameras share.
func (w *worker) pid() int { return w.cmd.Process.Pid }

func (w *worker) signalAndWait(sig os.Signal, timeout time.Duration) bool {
	_ = w.cmd.Process.Signal(sig)
	return w.waitForExit(timeout)
}

func (w *worker) waitForExit(timeout time.Duration) bool {
	select {
	case <-w.exited:
		w.reaped = true
	case <-time.After(timeout):
	}
	return w.reaped
}

// exitReason returns why the process ended and the detail, for a process that sent no wire.Ended. Call it after stop.
func (w *worker) exitReason() (camera.Reason, string) {
	if !w.reaped {
		return camera.WorkerHung, "camd-capture hangs in a driver and cannot be killed: unplug the camera, or restart the machine"
	}
	detail := w.cmd.ProcessState.String()
	if last := w.stderr.lastLine(); last != "" {
		detail += ": " + last
	}
	return camera.WorkerCrashed, detail
}

// cpuTime returns the processor time that the process has used, or 0 if it has not been reaped. Call it after stop.
func (w *worker) cpuTime() time.Duration {
	if !w.reaped {
		return 0
	}
	return w.cmd.ProcessState.UserTime() + w.cmd.ProcessState.SystemTime()
}

// startErrorDetail returns the detail for a capture program at path that did not start. It names the path only once.
func startErrorDetail(path string, err error) string {
	var e *os.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Sprintf("start %s: %v", path, err)
}
