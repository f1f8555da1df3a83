package v4l2

import (
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

// testTimeout is how long a test waits for anything. In the lab a process takes seconds to start.
const testTimeout = 90 * time.Second

// runOrFail runs a program and fails the test if the program fails.
func runOrFail(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := testrun.Run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

// startProcess starts a program, as another user if as is not nil. It is killed when the test ends.
func startProcess(t testing.TB, as *syscall.Credential, name string, args ...string) *testrun.Process {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	p, err := testrun.Start(cmd)
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(p.Kill)
	return p
}
