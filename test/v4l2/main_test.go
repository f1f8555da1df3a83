package v4l2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"camd/internal/testrun"
)

func TestMain(m *testing.M) {
	if os.Getenv("CAMD_V4L2_LAB") == "" {
		fmt.Println("not in the lab, nothing tested: make test-v4l2")
		return
	}
	os.Exit(m.Run())
}

// testTimeout is how long anything may take that is waited for. In the lab a process takes seconds to start.
const testTimeout = 90 * time.Second

// run runs a program to its end and returns what it printed.
func run(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out), err
}

// runOrFail runs a program that may not fail.
func runOrFail(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

// process is a program that runs beside the test.
type process struct {
	cmd    *exec.Cmd
	out    testrun.Output
	exited chan struct{}
}

// startProcess starts a program, which is killed when the test ends if it still runs then.
func startProcess(t testing.TB, as *syscall.Credential, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: as}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() { defer close(p.exited); _ = p.cmd.Wait() }()
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}
