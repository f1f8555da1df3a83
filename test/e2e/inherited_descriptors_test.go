package e2e

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
)

// allowedDescriptors are the descriptors that a capture process of a test pattern may have: its pipes, /dev/null, and those of Go's
// runtime, which reads the limits on CPU time.
var allowedDescriptors = regexp.MustCompile(`^(pipe:\[\d+\]|/dev/null|anon_inode:\[(eventpoll|eventfd|pidfd)\]|/sys/fs/cgroup/.*)$`)

// A capture process has only its own descriptors: none of camd's listener, viewers, other cameras or files, and none that camd
// inherited.
func TestCaptureProcessInheritsNothing(t *testing.T) {
	t.Parallel()
	inherited, err := os.Open(write(t, t.TempDir(), "secret", "not for capture processes"))
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	d := start(t, options{config: smallTestCameras("cam", 3), files: []*os.File{inherited}})
	for _, id := range []string{"cam0", "cam1", "cam2"} {
		d.waitForState(id, "live")
		watch(t, d.URL+"/cameras/"+id+"/stream.mjpg").waitFor("a live picture", isLive)
	}
	killed := d.signalWorker("cam1", syscall.SIGKILL) // the next one starts while there are viewers
	d.waitForCamera("cam1", "live again", func(s state) bool { return s.State == "live" && s.Worker.PID != 0 && s.Worker.PID != killed })
	pipes := map[string]int{} // how many capture processes have each
	for _, pid := range children(d.cmd.Process.Pid) {
		folder := filepath.Join("/proc", itoa(pid), "fd")
		open, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		own := map[string]bool{}
		for _, fd := range open {
			to, err := os.Readlink(filepath.Join(folder, fd.Name()))
			if errors.Is(err, fs.ErrNotExist) { // closed since the folder was read
				continue
			}
			if err != nil || !allowedDescriptors.MatchString(to) {
				t.Errorf("process %d: descriptor %s is %s (%v)", pid, fd.Name(), to, err)
			}
			if to[0] == 'p' {
				own[to] = true
			}
		}
		for pipe := range own {
			pipes[pipe]++
		}
	}
	for pipe, n := range pipes {
		if n > 1 {
			t.Errorf("%d processes have %s", n, pipe)
		}
	}
	if len(pipes) < 9 {
		t.Errorf("%d pipes, want 3 for each of 3 processes", len(pipes))
	}
}
