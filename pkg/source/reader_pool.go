package source

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"camd/pkg/source/confine"
	"camd/pkg/source/handover"
	"camd/pkg/source/wire"
)

const (
	maxCrashes       = 3 // of the shared process by one camera within crashMemory; the camera then gets a process of its own
	crashMemory      = time.Hour
	readerEndTimeout = 700 * time.Millisecond // for a readers process without sessions
	minReaderDelay   = 50 * time.Millisecond  // before a process that crashed for an unknown reason starts again; it doubles
	maxReaderDelay   = time.Second
	stableRun        = time.Minute // a process that ran for this time starts again without delay
)

// readerPool runs the readers process, which reads the cameras of network sources. It is safe for concurrent use.
type readerPool struct {
	path          string
	resolverFiles []string
	log           *zap.Logger

	starting sync.Mutex // held while a process starts; locked before mu
	mu       sync.Mutex
	shared   *readerProcess // nil when none runs
	running  []*readerProcess
	waiting  sync.WaitGroup         // of the goroutines that wait for processes
	crashes  map[string][]time.Time // of the shared process, by the camera that caused them
	delay    time.Duration          // before the next start of the shared process
	ended    readersUsage           // of the processes that have ended
	isClosed bool
}

// readersUsage is what all readers processes use and have used.
type readersUsage struct {
	Processes  int // that run now
	CPUSeconds float64
	RSSBytes   uint64
	Crashes    uint64
}

// thisProgram is the running program, of the same build even if its file has been replaced.
const thisProgram = "/proc/self/exe"

// newReaderPool returns a pool that starts the program at path with the argument "readers". It starts a process with the first camera.
func newReaderPool(path string, log *zap.Logger) *readerPool {
	return &readerPool{path: path, resolverFiles: confine.ResolverFiles, log: log, crashes: map[string][]time.Time{}}
}

var errPoolClosed = errors.New("camd is stopping")

// open starts to read a camera in a session of the readers process. The caller must stop the worker. open takes a few milliseconds, and at
// most 2 s if the process does not start or does not answer.
func (p *readerPool) open(cameraID string, start wire.Start) (*worker, error) {
	pipes, err := newWorkerPipes()
	if err != nil {
		return nil, err
	}
	defer pipes.closeChild()
	s := &readerSession{pool: p, cameraID: cameraID, redactor: newRedactor(start)}
	c := handover.Camera{ID: cameraID, Commands: pipes.childCommands, Messages: pipes.childMessages}
	if path := start.TLS.CAFile; path != "" {
		var err error
		if c.CA, err = openRegularFile(path); err != nil {
			c.CAError = err.Error()[:min(len(err.Error()), 1000)]
		} else {
			defer c.CA.Close()
		}
	}
	for attempt := range 2 {
		if s.process, err = p.process(cameraID); err != nil {
			break
		}
		if err = s.process.add(c, s.redactor); err == nil {
			break
		}
		p.log.Debug("reader not reached", zap.Int("attempt", attempt), zap.Error(err)) // it is about to end, or does not answer
		p.retire(s.process)
	}
	if err != nil {
		pipes.closeParent()
		return nil, err
	}
	if s.process.isPrivate {
		s.process.retire()
	}
	return newWorker(s, pipes, start), nil
}

// openRegularFile opens a file for reading, and does not wait at one that is a pipe.
func openRegularFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, errors.Join(err, fmt.Errorf("%s is not a regular file", path))
	}
	return f, nil
}

// process returns a process for a camera: the shared one, or one of its own.
func (p *readerPool) process(cameraID string) (*readerProcess, error) {
	p.starting.Lock()
	defer p.starting.Unlock()
	p.mu.Lock()
	isPrivate := len(p.crashes[cameraID]) >= maxCrashes
	shared, delay, isClosed := p.shared, p.delay, p.isClosed
	p.mu.Unlock()
	switch {
	case isClosed:
		return nil, errPoolClosed
	case isPrivate:
		return p.start(true)
	case shared != nil && !shared.isOutdated(p.resolverFiles):
		return shared, nil
	case shared != nil: // its cameras stay
		p.retire(shared)
	}
	time.Sleep(delay)
	return p.start(false)
}

// start starts a process, and a goroutine that waits for its end.
func (p *readerPool) start(isPrivate bool) (*readerProcess, error) {
	resolver := fileInfos(p.resolverFiles)
	process, stderr, err := startReaderProcess(p.path, isPrivate, p.log)
	if err != nil {
		return nil, err
	}
	process.resolver = resolver
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = append(p.running, process)
	if !isPrivate {
		p.shared = process
	}
	p.waiting.Go(func() {
		process.wait(stderr)
		p.handleExit(process)
	})
	p.log.Debug("readers process started", zap.Int("pid", process.cmd.Process.Pid))
	return process, nil
}

// retire gives a process no more cameras.
func (p *readerPool) retire(process *readerProcess) {
	process.retire()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shared == process {
		p.shared = nil
	}
}

// handleExit records the end of a process.
func (p *readerPool) handleExit(process *readerProcess) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer close(process.exited)
	if p.shared == process {
		p.shared = nil
	}
	p.running = slices.DeleteFunc(p.running, func(r *readerProcess) bool { return r == process })
	state := process.cmd.ProcessState
	p.ended.CPUSeconds += (state.UserTime() + state.SystemTime()).Seconds()
	if process.hasCrashed() {
		p.ended.Crashes++
		p.recordCrash(process)
	}
}

// recordCrash logs a crash, and decides how the camera that caused it is read from now on.
func (p *readerPool) recordCrash(process *readerProcess) {
	crash := process.stderr.crashReport()
	fields := []zap.Field{
		zap.String("camera", crash.camera), zap.String("panic", crash.line), zap.String("frame", crash.frame),
		zap.String("exit", process.cmd.ProcessState.String()),
	}
	now := time.Now()
	switch {
	case crash.camera == "":
		p.delay = min(max(minReaderDelay, 2*p.delay), maxReaderDelay)
		if now.Sub(process.started) >= stableRun {
			p.delay = 0
		}
	case !process.isPrivate && len(p.crashes[crash.camera]) < maxCrashes:
		p.delay = 0
		recent := slices.DeleteFunc(p.crashes[crash.camera], func(at time.Time) bool { return now.Sub(at) > crashMemory })
		p.crashes[crash.camera] = append(recent, now)
		if len(p.crashes[crash.camera]) >= maxCrashes {
			fields = append(fields, zap.String("remedy", "camd reads this camera in a process of its own from now on: update its firmware, and report the crash"))
		}
	}
	p.log.Error("readers process crashed", fields...)
}

// usage returns what the readers processes use.
func (p *readerPool) usage() readersUsage {
	p.mu.Lock()
	u, running := p.ended, slices.Clone(p.running)
	p.mu.Unlock()
	u.Processes = len(running)
	for _, process := range running {
		if stat, err := processStat(process.cmd.Process.Pid); err == nil { // it may end at any moment
			u.CPUSeconds += stat.CPUTime()
			u.RSSBytes += uint64(stat.ResidentMemory())
		}
	}
	return u
}

// close ends all readers processes, and returns when they have been reaped. All workers must have been stopped.
func (p *readerPool) close() {
	p.starting.Lock()
	p.mu.Lock()
	p.isClosed = true
	running := slices.Clone(p.running)
	p.mu.Unlock()
	p.starting.Unlock()
	for _, process := range running {
		p.retire(process)
	}
	for _, process := range running {
		process.end(readerEndTimeout)
	}
	p.waiting.Wait()
}
