package testpeer

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"camd/internal/testrun"
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

// process is a started program.
type process struct {
	cmd    *exec.Cmd
	output testrun.Output
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
