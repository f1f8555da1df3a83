package v4l2

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"camd/internal/testrun"
)

// daemon is a running camd.
type daemon struct {
	t   testing.TB
	url string
	*testrun.Process
}

var dashboard = regexp.MustCompile(`dashboard at (http://127\.0\.0\.1:\d+)/`)

// serve starts camd with these entries of cameras, and returns when it serves. When the test ends, camd is stopped and must exit with 0.
func serve(t testing.TB, cameras ...string) *daemon {
	t.Helper()
	return serveAs(t, nil, testrun.Program(t, "camd"), cameras...)
}

func serveAs(t testing.TB, user *syscall.Credential, program string, cameras ...string) *daemon {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "camd.yaml")
	text := "cameras:\n"
	for _, c := range cameras {
		text += "  - {" + c + "}\n"
	}
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} { // for another user
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d := &daemon{t: t, Process: startProcess(t, user, program, "serve", "-c", config, "--listen", "127.0.0.1:0")}
	t.Cleanup(d.stop)
	testrun.WaitFor(t, "the dashboard's address", func() bool {
		m := dashboard.FindStringSubmatch(d.Output.String())
		if m != nil {
			d.url = m[1]
		}
		if d.HasExited() {
			t.Fatalf("camd ended:\n%s", d.Output.String())
		}
		return m != nil
	})
	return d
}

func (d *daemon) stop() {
	_ = d.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.Exited:
		if code := d.Cmd.ProcessState.ExitCode(); code != 0 {
			d.t.Errorf("camd ended with %d, want 0", code)
		}
	case <-time.After(testTimeout):
		d.t.Errorf("camd did not end within %v", testTimeout)
	}
	if d.t.Failed() {
		log := d.Output.String()
		d.t.Logf("camd:\n%s", log[max(0, len(log)-8000):])
	}
}

// status has the fields of a camera's JSON that the tests read.
type status struct {
	State, Reason, Detail string
	Since                 time.Time
	Retry                 *time.Time
	Format                struct {
		Codec         string
		Width, Height int
		FPS           float64
		Passthrough   bool
		Note          string
	}
	Counts struct {
		Captured, Published uint64
		Refused, Restarts   map[string]uint64
	}
	Worker struct{ PID int }
}

// is reports whether the camera is in a state for a reason: "live", "offline/busy".
func (s status) is(state string) bool {
	if s.Reason == "" {
		return s.State == state
	}
	return s.State+"/"+s.Reason == state
}

func (d *daemon) status(id string) status {
	d.t.Helper()
	r, err := http.Get(d.url + "/api/v1/cameras/" + id)
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Body.Close()
	var s status
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		d.t.Fatal(err)
	}
	return s
}

// waitForState waits for a camera's state.
func (d *daemon) waitForState(id, state string) status {
	d.t.Helper()
	var s status
	d.waitForStatus(id+" to be "+state, func() bool { s = d.status(id); return s.is(state) }, &s)
	return s
}

// waitForFailure waits until the camera has failed for a reason. It reads the count, because the state lasts only until the next attempt,
// and a busy machine may miss it.
func (d *daemon) waitForFailure(id, reason string) {
	d.t.Helper()
	var s status
	d.waitForStatus(id+" to fail by "+reason, func() bool { s = d.status(id); return s.Counts.Restarts[reason] > 0 }, &s)
}

// waitForFrames waits until the camera has delivered this many more pictures.
func (d *daemon) waitForFrames(id string, more uint64) status {
	d.t.Helper()
	s := d.status(id)
	goal := s.Counts.Captured + more
	d.waitForStatus(fmt.Sprintf("%d pictures of %s", more, id), func() bool { s = d.status(id); return s.Counts.Captured >= goal }, &s)
	return s
}

// waitForStatus waits until done is true. If it fails the test, it logs the last status.
func (d *daemon) waitForStatus(what string, done func() bool, s *status) {
	d.t.Helper()
	for end := time.Now().Add(testTimeout); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("waited %v for %s; it is %+v", testTimeout, what, *s)
		}
	}
}

// hasOpen reports whether a process has a device open.
func hasOpen(pid int, device string) bool {
	fds, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*"))
	for _, fd := range fds {
		if to, _ := os.Readlink(fd); strings.TrimSuffix(to, " (deleted)") == device {
			return true
		}
	}
	return false
}
