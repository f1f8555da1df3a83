package e2e

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

func TestMain(m *testing.M) {
	// All connections of the tests are on this machine.
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NOTIFY_SOCKET"} {
		os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m, append(testpeer.FaultProxyLeaks(), goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
		os.Exit(code)
	}))...)
}

// testTimeout only ends a test that hangs. A test must not fail because a machine is busy.
const testTimeout = 3 * time.Minute

// eventually is testrun.WaitFor with a short name.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	testrun.WaitFor(t, what, done)
}

// commandResult is the result of a program that has ended.
type commandResult struct {
	code           int
	stdout, stderr string
}

// run runs a program to its end.
func run(t testing.TB, name string, args ...string) commandResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	return runCommand(t, exec.CommandContext(ctx, name, args...))
}

// camd runs a command of camd to its end.
func camd(t testing.TB, args ...string) commandResult {
	t.Helper()
	return run(t, testrun.Program(t, "camd"), args...)
}

func runCommand(t testing.TB, cmd *exec.Cmd) commandResult {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return commandResult{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// startBackground runs a program until the test ends, and logs its output if the test failed.
func startBackground(t testing.TB, cmd *exec.Cmd) *testrun.Output {
	t.Helper()
	p, err := testrun.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("%s: %s", filepath.Base(cmd.Path), tail(p.Output.String(), 4000))
		}
	})
	return &p.Output
}

// write creates a file in dir and returns its path.
func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
