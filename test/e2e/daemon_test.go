package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

// options say how to start camd. The zero value has no configuration.
type options struct {
	config string              // the file's text; empty means no file
	args   []string            // further arguments
	env    []string            // further environment variables
	bin    string              // another directory with the programs
	user   *syscall.Credential // another user
	stderr *os.File            // the file for the log; nil means daemon.stderr
	files  []*os.File          // descriptors to inherit, from 3 on
}

// daemon is a running camd.
type daemon struct {
	t              testing.TB
	URL            string // http://127.0.0.1:port, or https
	config         string // the file; empty without one
	cmd            *exec.Cmd
	stdout, stderr testrun.Output
	exited         chan struct{} // closed when it has been reaped
}

var dashboardPattern = regexp.MustCompile(`dashboard at (https?://127\.0\.0\.1:\d+)/`)

// start starts camd on a free port and returns when it serves. When the test ends, camd is stopped and must exit with 0.
func start(t testing.TB, o options) *daemon {
	t.Helper()
	d := launch(t, o)
	t.Cleanup(d.close)
	eventually(t, "the dashboard's address", func() bool {
		m := dashboardPattern.FindStringSubmatch(d.stdout.String())
		if m != nil {
			d.URL = m[1]
		}
		if d.hasExited() {
			t.Fatalf("camd ended with %d:\n%s%s", d.cmd.ProcessState.ExitCode(), d.stdout.String(), d.stderr.String())
		}
		return m != nil
	})
	return d
}

func launch(t testing.TB, o options) *daemon {
	t.Helper()
	d := &daemon{t: t, exited: make(chan struct{})}
	path, dir := testrun.Program(t, "camd"), t.TempDir()
	if o.bin != "" {
		path, dir = filepath.Join(o.bin, "camd"), o.bin
	}
	args := []string{"serve", "--listen", "127.0.0.1:0"}
	if o.config != "" {
		config := write(t, dir, "camd.yaml", o.config)
		if err := os.Chmod(config, 0o644); err != nil { // for another user
			t.Fatal(err)
		}
		args = append(args, "-c", config)
		d.config = config
	}
	d.cmd = exec.Command(path, append(args, o.args...)...)
	d.cmd.Env = append(os.Environ(), o.env...)
	d.cmd.Stdout, d.cmd.Stderr, d.cmd.ExtraFiles = &d.stdout, &d.stderr, o.files
	if o.stderr != nil {
		d.cmd.Stderr = o.stderr
	}
	// A test program that is killed runs no Cleanup.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: o.user}
	if err := d.cmd.Start(); err != nil {
		t.Fatalf("start camd: %v", err)
	}
	go func() { defer close(d.exited); _ = d.cmd.Wait() }()
	return d
}

// stop sends SIGTERM and returns the exit code and how long camd took to end.
func (d *daemon) stop() (int, time.Duration) {
	begin := time.Now()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.exited:
	case <-time.After(testTimeout):
		_ = d.cmd.Process.Signal(syscall.SIGQUIT) // writes the goroutines into the log
		<-d.exited
	}
	return d.cmd.ProcessState.ExitCode(), time.Since(begin)
}

// killAndWait kills camd with SIGKILL.
func (d *daemon) killAndWait() {
	_ = d.cmd.Process.Kill()
	<-d.exited
}

// close stops camd, which must exit with 0, and logs its output if the test failed.
func (d *daemon) close() {
	if !d.hasExited() {
		if code, _ := d.stop(); code != 0 {
			d.t.Errorf("camd ended with %d, want 0", code)
		}
	}
	if d.t.Failed() {
		d.t.Logf("camd at %s:\n%s", d.URL, tail(d.stderr.String(), 12000))
	}
}

func (d *daemon) hasExited() bool {
	select {
	case <-d.exited:
		return true
	default:
		return false
	}
}

// signalWorker waits for a camera's capture process, sends it a signal and returns its ID.
func (d *daemon) signalWorker(id string, sig syscall.Signal) (pid int) {
	d.t.Helper()
	pid = d.waitForCamera(id, "running with a process", func(s state) bool { return s.Worker.PID != 0 }).Worker.PID
	if err := testpeer.Signal(pid, sig); err != nil {
		d.t.Fatal(err)
	}
	return pid
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// children returns the child processes of a process, including those that have ended and are not reaped.
func children(pid int) (pids []int) {
	lists, _ := filepath.Glob(filepath.Join("/proc", itoa(pid), "task", "*", "children")) // each thread has its own
	for _, list := range lists {
		b, _ := os.ReadFile(list) // a thread may be gone
		for _, field := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// isRunning reports whether a process exists and has not ended. A process that waits to be reaped has ended.
func isRunning(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "stat"))
	return err == nil && !regexp.MustCompile(`\) Z `).Match(stat)
}
