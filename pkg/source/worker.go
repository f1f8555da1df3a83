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
	"camd/pkg/mjpeg"
	"camd/pkg/source/wire"
)

// WorkerName is the capture program's file name.
const WorkerName = "camd-capture"

// FindWorker returns the path of the capture program: beside this executable, in /usr/lib/camd, or in PATH.
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
	return "", fmt.Errorf("%s not found; looked for %s and in PATH. Build it with `make build`, or install it beside camd",
		WorkerName, strings.Join(tried, ", "))
}

// pipeSize lets a whole picture of usual size enter the pipe at once instead of in slices of 64 KiB, each of which would
// cost a switch between the two processes.
const pipeSize = 1 << 20

// worker is a running capture process. Its methods belong to the goroutine that started it.
type worker struct {
	cmd      *exec.Cmd
	commands *os.File
	out      *wire.Writer
	events   chan event    // closed when the process has said its last word
	quit     chan struct{} // closed when nobody listens to events any more
	exited   chan struct{} // closed when the process has been reaped
	readers  sync.WaitGroup
	pipes    [2]*os.File // messages and chatter; stop closes them
	stderr   *chatter
	limits   mjpeg.Limits
	log      *zap.Logger
	gone     bool // it has been reaped; for after stop

	renditions atomic.Int32 // numbers that it has been told, main's included
}

// startWorker starts the capture program on a source. The caller must end it with stop.
func startWorker(path string, start wire.Start, log *zap.Logger) (*worker, error) {
	var parent, child [3]*os.File // commands, messages, chatter
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
	enlarge(parent[1])

	w := &worker{
		cmd:      exec.Command(path),
		commands: parent[0],
		out:      wire.NewWriter(parent[0]),
		events:   make(chan event),
		quit:     make(chan struct{}),
		exited:   make(chan struct{}),
		pipes:    [2]*os.File(parent[1:]),
		stderr:   newChatter(log, start),
		limits:   mjpeg.Limits{Bytes: start.FrameBytes, Pixels: start.FramePixels}.OrDefault(),
		log:      log,
	}
	w.cmd.Stdin, w.cmd.Stdout, w.cmd.Stderr = child[0], child[1], child[2]
	w.cmd.Env = environment()
	// A process group of its own, so that Ctrl-C reaches camd alone, which then stops its workers in order.
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// What camd was started with, and did not ask for, may be anything. Kernels before 5.11 leave it as it is.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err := w.cmd.Start(); err != nil {
		closeAll(parent[:])
		return nil, err
	}
	w.renditions.Store(int32(1 + len(start.Renditions)))
	w.readers.Go(func() { w.receive(w.pipes[0]) })
	w.readers.Go(func() { w.stderr.read(w.pipes[1]) })
	go func() { _ = w.cmd.Wait(); close(w.exited) }() // stop waits for it
	// A worker that does not take these lines is found by its silence.
	w.send(wire.Hello{Version: wire.Version})
	w.send(start)
	return w, nil
}

// enlarge gives a pipe room for pipeSize bytes. The system refuses it to users with many large pipes
// (pipe-user-pages-soft), and pictures then come in slices.
func enlarge(pipe *os.File) {
	if conn, err := pipe.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
	}
}

// environment is what OpenCV and FFmpeg need of camd's, which may hold secrets.
func environment() []string {
	// Go's preemption signal would interrupt OpenCV's select, which takes that for a failed read.
	env := []string{"LC_ALL=C.UTF-8", "OPENCV_LOG_LEVEL=WARNING", "GODEBUG=asyncpreemptoff=1"}
	for _, name := range []string{"PATH", "HOME", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// send writes a command. A worker that does not read its commands must not hold up its supervisor.
func (w *worker) send(m wire.Message) {
	_ = w.commands.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	_ = w.out.Write(m)
}

// dying is how long a killed process may take to be gone. One that takes longer is in the hands of a driver.
const dying = 3 * time.Second

// stop ends the process and returns when it is gone and reaped: asked first, after grace by SIGTERM, after another by
// SIGKILL, which is the only one that a stopped process takes. What not even that ends, a process inside a driver that hangs,
// is left to the kernel and reaped when it lets go.
func (w *worker) stop(grace time.Duration) {
	close(w.quit)
	w.send(wire.Stop{})
	_ = w.commands.Close()
	stat, err := processStat(w.cmd.Process.Pid)
	stopped := err == nil && isStopped(stat)
	switch {
	case !stopped && w.exits(grace):
	case !stopped && w.exitsBy(syscall.SIGTERM, grace):
	case w.exitsBy(syscall.SIGKILL, dying):
	default:
		w.log.Error("capture process cannot be killed", zap.Int("pid", w.cmd.Process.Pid),
			zap.String("remedy", "a driver holds it inside the kernel: unplug the camera, or restart the machine"))
	}
	if w.gone {
		w.readers.Wait() // for its last words
	}
	for _, p := range w.pipes {
		_ = p.Close()
	}
	w.readers.Wait()
}

func (w *worker) exitsBy(sig os.Signal, in time.Duration) bool {
	_ = w.cmd.Process.Signal(sig)
	return w.exits(in)
}

func (w *worker) exits(in time.Duration) bool {
	select {
	case <-w.exited:
		w.gone = true
	case <-time.After(in):
	}
	return w.gone
}

// verdict says why the process ended, for one that did not say so itself. To be called after stop.
func (w *worker) verdict() (camera.Reason, string) {
	if !w.gone {
		return camera.WorkerHung, "and cannot be killed"
	}
	detail := w.cmd.ProcessState.String()
	if last := w.stderr.last(); last != "" {
		detail += ": " + last
	}
	return camera.WorkerCrashed, detail
}

// cpu returns what the process has used. To be called after stop.
func (w *worker) cpu() time.Duration {
	if !w.gone {
		return 0
	}
	return w.cmd.ProcessState.UserTime() + w.cmd.ProcessState.SystemTime()
}

// startError tells a missing program from one that the system refuses to run.
func startError(path string, err error) string {
	var e *os.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Sprintf("start %s: %v", path, err)
}
