package testrun

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"testing"
)

// Run runs a program to its end. It returns the output, and an error if the program failed. It kills a program that does not end within
// Deadline. If the program cannot be started, the test fails.
func Run(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out), err
}

// Process is a program that runs beside a test.
type Process struct {
	Cmd    *exec.Cmd
	Output Output
	Exited chan struct{} // closed when it has been reaped
}

// Start starts a program. It runs until it ends by itself, is killed, or the test program ends.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{Cmd: cmd, Exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.Output, &p.Output
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL // Cleanup does not run if the test program is killed
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { defer close(p.Exited); _ = cmd.Wait() }()
	return p, nil
}

// Kill kills the program and returns when it has ended.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill()
	<-p.Exited
}

// HasExited reports whether the program has ended and been reaped.
func (p *Process) HasExited() bool {
	select {
	case <-p.Exited:
		return true
	default:
		return false
	}
}
