package testpeer

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"camd/internal/testrun"
)

// ServeHTTP serves a clip as HTTP MJPEG by ffmpeg, in an endless loop and at its own rate. It returns the URL. A clip in another codec than
// MJPEG is encoded. The server serves one client at a time. Shortly after that client has left, it accepts the next.
func ServeHTTP(t testing.TB, clip Clip) string {
	t.Helper()
	ffmpeg, path, port := RequireProgram(t, "ffmpeg", "ffmpeg"), clip.Make(t), FreePort(t)
	codec := "copy"
	if clip.withDefaults().Codec != "mjpeg" {
		codec = "mjpeg"
	}
	url := fmt.Sprintf("http://127.0.0.1:%d/stream.mjpg", port)
	k := &restarter{path: ffmpeg, args: []string{"-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", path, "-an", "-c:v", codec,
		"-f", "mpjpeg", "-content_type", "multipart/x-mixed-replace; boundary=ffmpeg", "-listen", "1", url}}
	k.start(t)
	testrun.WaitFor(t, "ffmpeg to listen", func() bool { return isListening(port) })
	return url
}

// restarter starts a program again each time it ends, until the test ends.
type restarter struct {
	path string
	args []string

	mu      sync.Mutex
	current *testrun.Process
	stopped bool
}

func (r *restarter) start(t testing.TB) {
	t.Helper()
	if err := r.launch(); err != nil {
		t.Fatalf("start %s: %v", r.path, err)
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		r.restartLoop(quit)
	}()
	t.Cleanup(func() {
		close(quit)
		r.stop()
		<-gone
		if t.Failed() {
			t.Logf("%s: %s", r.path, r.current.Output.String())
		}
	})
}

func (r *restarter) restartLoop(quit chan struct{}) {
	for {
		<-r.currentProcess().Exited
		select {
		case <-quit:
			return
		case <-time.After(50 * time.Millisecond): // no busy loop if the program ends at once
		}
		if r.launch() != nil {
			return
		}
	}
}

func (r *restarter) launch() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return os.ErrProcessDone
	}
	p, err := testrun.Start(exec.Command(r.path, r.args...))
	if err == nil {
		r.current = p
	}
	return err
}

func (r *restarter) currentProcess() *testrun.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

func (r *restarter) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	r.current.Kill()
}

// isListening reads the kernel's table, because a connection would count as the one client.
func isListening(port int) bool {
	table, err := os.ReadFile("/proc/net/tcp")
	const listen = "0A"
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 3 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) && f[3] == listen {
			return true
		}
	}
	return err != nil // without the table, assume that it listens
}
