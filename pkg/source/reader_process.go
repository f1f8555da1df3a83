package source

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"camd/pkg/source/handover"
	"camd/pkg/source/sourceurl"
)

// readersCommand is the command of camd that runs the readers process.
const readersCommand = "readers"

// readerProcess is a readers process. Its methods are safe for concurrent use.
type readerProcess struct {
	cmd       *exec.Cmd
	socket    *net.UnixConn
	isPrivate bool // it is for one session only
	secrets   *sessionSecrets
	stderr    *stderrLog
	started   time.Time
	resolver  []os.FileInfo // of readerPool.resolverFiles at the start; nil for one that was missing
	exited    chan struct{} // closed when the process has been reaped

	mu       sync.Mutex
	sessions int
	retired  bool // it gets no more cameras, and ends after its last session
	killed   bool // on purpose
	stuck    bool // a session did not end in time
}

// startReaderProcess starts the program at path, and returns its standard error. The caller must call wait in a goroutine of its own.
func startReaderProcess(path string, isPrivate bool, log *zap.Logger) (*readerProcess, *os.File, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	parent, child := os.NewFile(uintptr(ends[0]), "readers"), os.NewFile(uintptr(ends[1]), "camd")
	defer parent.Close()
	defer child.Close()
	conn, err := net.FileConn(parent)
	if err != nil {
		return nil, nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	defer w.Close()
	p := &readerProcess{
		cmd: exec.Command(path, readersCommand), socket: conn.(*net.UnixConn), isPrivate: isPrivate,
		secrets: &sessionSecrets{}, started: time.Now(), exited: make(chan struct{}),
	}
	p.cmd.Args[0] = "camd" // path may be a link in /proc
	p.stderr = newStderrLog(log, p.secrets)
	p.cmd.Stdin, p.cmd.Stderr = child, w
	p.cmd.Env = readersEnvironment()
	if err := startProcess(p.cmd); err != nil {
		_, _ = conn.Close(), r.Close()
		return nil, nil, err
	}
	return p, r, nil
}

// readersEnvironment returns the environment of the readers process. It takes only those variables from camd's own environment that Go
// needs, because others may hold secrets.
func readersEnvironment() []string {
	return append(passEnvironment("PATH", "HOME", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"), "GODEBUG=tracebacklabels=1", "GOTRACEBACK=single")
}

// wait returns when the process has ended and its last output has been read.
func (p *readerProcess) wait(stderr *os.File) {
	p.stderr.read(stderr)
	_ = stderr.Close()
	_ = p.cmd.Wait()
	_ = p.socket.Close()
}

// hasExited reports whether the process has been reaped.
func (p *readerProcess) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// errRetired says that a process gets no more cameras.
var errRetired = errors.New("the readers process is about to end")

// add gives the process a camera. After success, the caller must call release.
func (p *readerProcess) add(c handover.Camera, r sourceurl.Redactor) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retired {
		return errRetired
	}
	p.secrets.add(r) // before the process can print any
	_ = p.socket.SetWriteDeadline(time.Now().Add(commandTimeout))
	if err := handover.Send(p.socket, c); err != nil {
		p.secrets.remove(r)
		return err
	}
	p.sessions++
	return nil
}

// retire makes the process end after its last session.
func (p *readerProcess) retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.retired {
		p.retired = true
		_ = p.socket.Close()
	}
}

// release takes a session from the process. If that was the last one of a retired process, it waits for the process's end, and kills it
// after grace.
func (p *readerProcess) release(r sourceurl.Redactor, grace time.Duration) {
	p.mu.Lock()
	p.sessions--
	isLast := p.sessions == 0 && p.retired
	if p.stuck {
		grace = 0
	}
	p.mu.Unlock()
	p.secrets.remove(r)
	if isLast {
		p.end(grace)
	}
}

// markStuck records that a session did not end in time. Nobody waits long for the others any more: camd must stop within 2 s.
func (p *readerProcess) markStuck() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = true
}

// isStuck reports whether a session did not end in time.
func (p *readerProcess) isStuck() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stuck
}

// end waits for the process's end, and kills it after grace.
func (p *readerProcess) end(grace time.Duration) {
	select {
	case <-p.exited:
		return
	case <-time.After(grace):
	}
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	select {
	case <-p.exited:
	case <-time.After(killTimeout):
	}
}

// hasCrashed reports whether the process has ended by itself without success. Call it after wait.
func (p *readerProcess) hasCrashed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.killed && !p.cmd.ProcessState.Success()
}

// fileInfos returns what identifies files, nil for one that is missing. It does not follow links: a link's target may be readable when it
// is replaced.
func fileInfos(paths []string) (infos []os.FileInfo) {
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			info = nil
		}
		infos = append(infos, info)
	}
	return infos
}

// isOutdated reports whether one of the resolver's files has been replaced. The process cannot read the new one (package confine).
func (p *readerProcess) isOutdated(resolverFiles []string) bool {
	return !slices.EqualFunc(p.resolver, fileInfos(resolverFiles), func(a, b os.FileInfo) bool {
		return a == nil && b == nil || a != nil && b != nil && os.SameFile(a, b)
	})
}

// maxEndedSecrets bounds how many ended sessions' secrets are kept.
const maxEndedSecrets = 64

// sessionSecrets removes the secrets of all sessions of a process. Those of the last sessions that ended stay, because the process may still
// print them. It is safe for concurrent use.
type sessionSecrets struct {
	mu    sync.Mutex
	open  []sourceurl.Redactor
	ended []sourceurl.Redactor // the newest last
}

func (s *sessionSecrets) add(r sourceurl.Redactor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, r)
}

func (s *sessionSecrets) remove(r sourceurl.Redactor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := slices.Index(s.open, r); at >= 0 {
		s.open = slices.Delete(s.open, at, at+1)
	}
	s.ended = append(s.ended, r)
	s.ended = s.ended[max(0, len(s.ended)-maxEndedSecrets):]
}

func (s *sessionSecrets) all() []sourceurl.Redactor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.open, s.ended)
}

// Redact returns the text with "***" in place of each secret.
func (s *sessionSecrets) Redact(text string) string {
	for _, r := range s.all() {
		text = r.Redact(text)
	}
	return text
}

// MaxSecretBytes returns the length of the longest secret.
func (s *sessionSecrets) MaxSecretBytes() (longest int) {
	for _, r := range s.all() {
		longest = max(longest, r.MaxSecretBytes())
	}
	return longest
}
