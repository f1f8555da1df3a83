package v4l2

import (
	"net/http"
	"os"
	"testing"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// A capture process can open its device only, even as root: after the confinement the link leads to another device, and reading
// controls, which opens the link again, fails.
func TestConfinedToItsDevice(t *testing.T) {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil {
		t.Fatalf("no Landlock in the lab's kernel: %v", err)
	}
	t.Logf("Landlock version %d", abi)
	const link = "/dev/camera"
	lead := func(device string) {
		t.Helper()
		_ = os.Remove(link)
		if err := os.Symlink(device, link); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Remove(link) })
	lead(camera)
	d := serve(t, "id: cam, source: "+link)
	s := d.waitForState("cam", "live")
	if code, c := d.request(t, http.MethodGet, "/cam/controls", ""); code != 200 || len(c.Controls) == 0 {
		t.Errorf("its own device: %d %+v", code, c)
	}
	for _, other := range []string{"/dev/video1", "/dev/video20"} {
		lead(other)
		if code, c := d.request(t, http.MethodGet, "/cam/controls", ""); c.Error != "cannot open the device: permission denied" {
			t.Errorf("%s: %d %+v", other, code, c)
		}
	}
	lead(camera)
	if code, c := d.request(t, http.MethodGet, "/cam/controls", ""); code != 200 || len(c.Controls) == 0 {
		t.Errorf("its own device again: %d %+v", code, c)
	}
	if now := d.waitForFrames("cam", 10); now.Worker.PID != s.Worker.PID {
		t.Error("the capture process was replaced")
	}
}
