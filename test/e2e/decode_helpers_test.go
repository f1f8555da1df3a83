package e2e

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	capture "camd/pkg/source"
)

// decoders returns the capture processes of camd that run. A camera that is read over the network has no other one.
func (d *daemon) decoders() (pids []int) {
	for _, pid := range children(d.cmd.Process.Pid) {
		line, _ := os.ReadFile(filepath.Join("/proc", itoa(pid), "cmdline")) // empty if it has ended
		program, _, _ := strings.Cut(string(line), "\x00")
		if filepath.Base(program) == capture.WorkerName {
			pids = append(pids, pid)
		}
	}
	return pids
}

// publishedJPEGs returns how many pictures of a rendition camd has published.
func (d *daemon) publishedJPEGs(id, rendition string) float64 {
	d.t.Helper()
	return d.metric(fmt.Sprintf("camd_camera_frames_published_total{camera=%q,rendition=%q}", id, rendition))
}

// waitForFrames waits until the camera has sent n more frames.
func (c *videoCamera) waitForFrames(t testing.TB, n int) {
	t.Helper()
	begin := c.position()
	eventually(t, fmt.Sprint(n, " frames of the camera"), func() bool { return c.position() >= begin+n })
}

// framesBefore returns how many frames before a position of the camera it sent the frame with a number; negative if it sent it later. The
// number is that of a clip whose first number is a multiple of its length. A frame is not older or newer than half the clip.
func (c *videoCamera) framesBefore(position int, number uint32) int {
	loop := c.loopLength()
	return ((position-int(number))%loop+loop+loop/2)%loop - loop/2
}

// videoFollower decodes a stream all the time and checks that no frame is missing.
type videoFollower struct {
	loop int

	mu      sync.Mutex
	newest  uint32
	frames  int
	missing []string
	lost    int // the number of missing frames
	err     error
}

// follow decodes the stream at url until the test ends. Numbers begin again after loop pictures.
func follow(t testing.TB, url string, size image.Point, loop int) *videoFollower {
	t.Helper()
	f := &videoFollower{loop: loop}
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	v := watchVideo(t, url, size)
	running.Go(func() {
		for f.note(v.next()) {
		}
	})
	eventually(t, "a picture of "+url, func() bool { _, n, err := f.progress(); return n > 0 || err != nil })
	return f
}

// note records a picture and reports whether there may be more.
func (f *videoFollower) note(n uint32, err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.err = err
		return false
	}
	if f.frames > 0 {
		if lost := gaps([]uint32{f.newest, n}, f.loop)[0]; lost != 0 {
			f.lost += lost
			f.missing = append(f.missing, fmt.Sprintf("%d behind number %d", lost, f.newest))
		}
	}
	f.newest = n
	f.frames++
	return true
}

// progress returns the newest number and how many pictures have arrived.
func (f *videoFollower) progress() (newest uint32, frames int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest, f.frames, f.err
}

// checkComplete checks that no frame is missing and that the stream has not ended.
func (f *videoFollower) checkComplete(t testing.TB, name string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil || len(f.missing) > 0 {
		t.Errorf("%s: %d pictures, missing %v, %v", name, f.frames, f.missing, f.err)
	}
}
