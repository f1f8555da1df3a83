package testpeer

import (
	"fmt"
	"os/exec"
	"testing"

	"camd/internal/testrun"
)

// ServeUstreamer runs ustreamer until the test ends and returns its address. ustreamer has no camera, so it sends its own picture for
// that case.
func ServeUstreamer(t testing.TB) string {
	t.Helper()
	port := FreePort(t)
	p, err := testrun.Start(exec.Command(RequireProgram(t, "ustreamer", "ustreamer"), "--device", "/dev/no-camera", "--host", "127.0.0.1", "--port", fmt.Sprint(port)))
	if err != nil {
		t.Fatalf("start ustreamer: %v", err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("ustreamer: %s", p.Output.String())
		}
	})
	testrun.WaitFor(t, "ustreamer to listen", func() bool {
		if p.HasExited() {
			t.Fatalf("ustreamer ended: %s", p.Output.String())
		}
		return isListening(port)
	})
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}
