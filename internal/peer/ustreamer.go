package peer

import (
	"fmt"
	"testing"
)

// ServeUstreamer runs a ustreamer until the test ends and returns its address. It has no camera, and shows its picture
// that says so.
func ServeUstreamer(t testing.TB) string {
	t.Helper()
	port := FreePort(t)
	p, err := launch(Need(t, "ustreamer", "ustreamer"), "--device", "/dev/no-camera", "--host", "127.0.0.1", "--port", fmt.Sprint(port))
	if err != nil {
		t.Fatalf("start ustreamer: %v", err)
	}
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			t.Logf("ustreamer: %s", p.output.String())
		}
	})
	Until(t, "ustreamer to listen", func() bool {
		if !p.alive() {
			t.Fatalf("ustreamer ended: %s", p.output.String())
		}
		return listening(port)
	})
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}
