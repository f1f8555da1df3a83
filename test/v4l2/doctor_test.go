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

// doctor runs camd doctor, as another user if as is not nil. It returns the output, and whether the exit code is 0.
func doctor(t *testing.T, as *syscall.Credential, program, config string) (string, bool) {
	t.Helper()
	p := startProcess(t, as, program, "doctor", "-c", config)
	testrun.WaitFor(t, "the doctor to end", p.HasExited)
	return p.Output.String(), p.Cmd.ProcessState.Success()
}

func TestDoctorReportsDevices(t *testing.T) {
	// As udev sets it: only root can use a node that another test has unplugged and plugged in.
	for _, node := range []string{camera, "/dev/video1"} {
		if err := errors.Join(os.Chown(node, 0, 44), os.Chmod(node, 0o660)); err != nil {
			t.Fatal(err)
		}
	}
	// Other users can read this folder.
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
	check := func(user *syscall.Credential, healthy bool, want ...string) {
		t.Helper()
		out, ok := doctor(t, user, filepath.Join(bin, "camd"), config)
		for _, w := range want {
			if ok != healthy || !strings.Contains(out, w) {
				t.Errorf("success is %v, want %v, and %q in:\n%s", ok, healthy, w, out)
			}
		}
	}
	check(nil, true, "ok    device   camera cam: "+camera+" (vivid), usable by root and by the group video",
		"ok    device   /dev/video1 (vivid), not configured, usable by root", "ok    opencv   OpenCV 4.", "ok    kernel   Landlock")
	check(&syscall.Credential{Uid: 65534, Gid: 65534}, false, "FAIL  device   camera cam: "+camera, "is not allowed to use it", "what to do: sudo usermod -aG video $USER")
	check(&syscall.Credential{Uid: 65534, Gid: 65534, Groups: []uint32{44}}, true, "ok    device   camera cam: "+camera+" (vivid), usable by nobody (groups: video")

	d := serve(t, "id: cam, source: "+camera)
	d.waitForState("cam", "live")
	check(nil, true, "ok    device   camera cam: "+camera+" (vivid), in use by camd")
	d.stop()
	other := startProcess(t, nil, "v4l2-ctl", "-d", camera, "--stream-mmap", "--stream-count=100000")
	testrun.WaitFor(t, "another program to have the camera", func() bool {
		return hasOpen(other.Cmd.Process.Pid, camera) && strings.Contains(other.Output.String(), "<")
	})
	check(nil, false, "FAIL  device   camera cam: "+camera+" (vivid): another program uses the device", "what to do: close v4l2-ctl (process ")
}
