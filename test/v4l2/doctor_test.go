package v4l2

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"camd/internal/testrun"
)

// doctor returns what camd doctor says, and whether it is content. It may be run as another user.
func doctor(t *testing.T, as *syscall.Credential, program, config string) (string, bool) {
	t.Helper()
	p := startProcess(t, as, program, "doctor", "-c", config)
	testrun.WaitFor(t, "the doctor's verdict", p.HasExited)
	return p.Output.String(), p.Cmd.ProcessState.Success()
}

func TestDoctorReportsDevices(t *testing.T) {
	// As udev has it: a node that came back after a test unplugged it is root's alone.
	for _, node := range []string{camera, "/dev/video1"} {
		if err := errors.Join(os.Chown(node, 0, 44), os.Chmod(node, 0o660)); err != nil {
			t.Fatal(err)
		}
	}
	// A folder that another user can reach.
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "camd.yaml")
	if err := os.WriteFile(config, []byte("listen: 127.0.0.1:0\ncameras: [{id: cam, source: "+camera+"}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	bin := copied(t)
	says := func(who *syscall.Credential, content bool, want ...string) {
		t.Helper()
		out, ok := doctor(t, who, filepath.Join(bin, "camd"), config)
		for _, w := range want {
			if ok != content || !strings.Contains(out, w) {
				t.Errorf("content %v, want %v and %q:\n%s", ok, content, w, out)
			}
		}
	}
	says(nil, true, "ok    device   camera cam: "+camera+" (vivid), usable by root and by the group video",
		"ok    device   /dev/video1 (vivid), not configured, usable by root", "ok    opencv   OpenCV 4.", "ok    kernel   Landlock")
	says(&syscall.Credential{Uid: 65534, Gid: 65534}, false, "FAIL  device   camera cam: "+camera, "is not allowed to use it", "what to do: sudo usermod -aG video $USER")
	says(&syscall.Credential{Uid: 65534, Gid: 65534, Groups: []uint32{44}}, true, "ok    device   camera cam: "+camera+" (vivid), usable by nobody (groups: video")

	d := serve(t, "id: cam, source: "+camera)
	d.waitForState("cam", "live")
	says(nil, true, "ok    device   camera cam: "+camera+" (vivid), which camd reads")
	d.stop()
	other := startProcess(t, nil, "v4l2-ctl", "-d", camera, "--stream-mmap", "--stream-count=100000")
	testrun.WaitFor(t, "another program to have the camera", func() bool {
		return hasOpen(other.Cmd.Process.Pid, camera) && strings.Contains(other.Output.String(), "<")
	})
	says(nil, false, "FAIL  device   camera cam: "+camera+" (vivid): another program uses the device", "what to do: close v4l2-ctl (process ")
}
