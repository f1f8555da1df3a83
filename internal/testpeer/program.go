package testpeer

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// RequireProgram returns the path of a program that the test cannot do without. If it is not installed the test is skipped, or
// failed where the environment has CI; either way the message names the Debian package that has it.
func RequireProgram(t testing.TB, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed; on Debian: apt-get install %s", program, debianPackage)
	}
	t.Skipf("%s is not installed; on Debian: apt-get install %s", program, debianPackage)
	return ""
}

// Deadline is how long peers get to become ready: generous, since a loaded machine is no failure.
const Deadline = 2 * time.Minute

// WaitFor polls ready until it is true, and fails the test after Deadline.
func WaitFor(t testing.TB, what string, ready func() bool) {
	t.Helper()
	for end := time.Now().Add(Deadline); !ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", Deadline, what)
		}
	}
}

// process is a started program.
type process struct {
	cmd    *exec.Cmd
	output lockedBuffer
	exited chan struct{} // closed when it has been reaped
}

// startProcess starts a program that lives until it ends by itself or kill is called.
func startProcess(path string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	// A test binary that is killed runs no Cleanup.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { defer close(p.exited); _ = p.cmd.Wait() }()
	return p, nil
}

// kill kills the program and returns when it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// suspend suspends the program; only kill ends it.
func (p *process) suspend() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) }

func (p *process) isRunning() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// lockedBuffer collects a program's output while tests look at it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
