package source

import (
	"math"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"camd/internal/rawcall"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// worker reads a camera: it is a capture process, or a session in the readers process. Only the goroutine that started it may call its
// methods.
type worker struct {
	host          workerHost
	commandPipe   *os.File
	commandWriter *wire.Writer
	messagePipe   *os.File
	events        chan event      // closed after the last message
	received      chan struct{}   // closed when nothing reads messagePipe any more
	quit          chan struct{}   // closed when nobody receives from events any more
	exited        <-chan struct{} // closed when the process of a capture process has been reaped; nil for a session
	redactor      sourceurl.Redactor
	limits        media.Limits
	stopped       bool // stop has been called
	reaped        bool // stop has seen that the process or session has ended

	// Of a decoder. The supervisor sets the first two while a goroutine feeds the decoder, which reads them.
	feedKeyframesOnly atomic.Bool                   // send only keyframes
	feedPeriod        atomic.Int64                  // how far apart JPEGs may be, a time.Duration
	feedTarget        atomic.Uint64                 // Seq of the newest frame when feeding began
	feedFirst         atomic.Uint64                 // Seq of the first frame that was sent since then; 0 before it
	fedFormat         atomic.Pointer[broker.Format] // of the newest frame of video that was sent; nil before the first
	fedFormats        atomic.Bool                   // frames of different formats were sent
	lastFed           atomic.Int64                  // when the newest frame was sent, in Unix nanoseconds; 0 before the first

	queuedCommands chan<- wire.Message // to the goroutine that feeds a decoder; nil while none runs
	unsentCommand  wire.Message        // that this goroutine took and could not send
	isCut          bool                // a message to the worker was cut, so it gets no more. While a goroutine feeds it, only that uses this

	renditionCount atomic.Int32 // how many renditions the worker knows, main included
}

// startWorker starts the capture program at path and sends it start. The caller must call stop.
func startWorker(path string, start wire.Start, log *zap.Logger) (*worker, error) {
	pipes, err := newWorkerPipes()
	if err != nil {
		return nil, err
	}
	defer pipes.closeChild()
	cmd := exec.Command(path)
	cmd.Env = workerEnvironment()
	cmd.Stdin, cmd.Stdout = pipes.childCommands, pipes.childMessages
	process, err := newCaptureProcess(cmd, newStderrLog(log, newRedactor(start)), log)
	if err != nil {
		pipes.closeParent()
		return nil, err
	}
	w := newWorker(process, pipes, start)
	w.exited = process.exited
	return w, nil
}

// startProcess starts a child process.
func startProcess(cmd *exec.Cmd) error {
	// A process group of its own, so that Ctrl-C reaches only camd, which then stops its workers.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// The process must not inherit descriptors with which camd was started. Kernels before 5.11 do not know the flag.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	return cmd.Start()
}

// newWorker returns the worker of a host that has its ends of the pipes, and sends start to it.
func newWorker(host workerHost, pipes workerPipes, start wire.Start) *worker {
	w := &worker{
		host:          host,
		commandPipe:   pipes.commands,
		commandWriter: wire.NewWriter(pipes.commands),
		messagePipe:   pipes.messages,
		events:        make(chan event),
		received:      make(chan struct{}),
		quit:          make(chan struct{}),
		redactor:      newRedactor(start),
		limits:        start.Limits.OrDefault(),
	}
	w.renditionCount.Store(int32(1 + len(start.Renditions)))
	go func() { defer close(w.received); w.receive(rawcall.NewReader(w.messagePipe)) }() // stop waits for it
	// A worker that does not read these messages sends none, and is replaced for that.
	w.send(wire.Hello{Version: wire.Version})
	w.send(start)
	return w
}

// commandTimeout is how long send waits for a worker that does not read: it must not block its supervisor. The time also has to cover
// pauses of this process, since a write after its deadline fails even if the pipe has room.
const commandTimeout = time.Second

// send writes a command to the worker, and waits commandTimeout at most. It ignores errors, because checkProgress finds a worker that
// does not read. It does not wait for a decoder that is fed.
func (w *worker) send(m wire.Message) {
	if w.queuedCommands != nil {
		select {
		case w.queuedCommands <- m:
		default: // the decoder does not read
		}
		return
	}
	if w.isCut {
		return
	}
	_ = w.commandPipe.SetWriteDeadline(time.Now().Add(commandTimeout))
	_ = w.commandWriter.Write(m)
}

// pid returns the process that reads only this camera, 0 for a session in the shared readers process.
func (w *worker) pid() int { return w.host.pid() }

// isSession reports whether the worker is a session in a readers process.
func (w *worker) isSession() bool {
	_, ok := w.host.(*readerSession)
	return ok
}

// stop ends the worker. It first sends a request to stop, then waits as its host does. If a process hangs in a driver and does not end,
// stop returns and reaped is false. Further calls do nothing.
func (w *worker) stop(grace time.Duration) {
	if w.stopped {
		return
	}
	w.stopped = true
	close(w.quit)
	w.send(wire.Stop{})
	_ = w.commandPipe.Close()
	w.reaped = w.host.stop(w.received, grace)
	_ = w.messagePipe.Close()
	<-w.received
	w.host.close()
}

// exitReason returns why the worker ended and the detail, for a worker that sent no wire.Ended. Call it after stop.
func (w *worker) exitReason() (camera.Reason, string) { return w.host.exitReason() }

// isCrashOfOther reports whether the worker ended because another camera crashed the process that they share. It can be started again at
// once. Call it after stop, for a worker that sent no wire.Ended.
func (w *worker) isCrashOfOther() bool {
	s, ok := w.host.(*readerSession)
	return ok && s.isCrashOfOther()
}

// cpuTime returns the processor time that the worker's own process has used, or 0 if it has none or has not been reaped. Call it after
// stop.
func (w *worker) cpuTime() time.Duration { return w.host.cpuTime() }
