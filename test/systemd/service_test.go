package systemd

import (
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

// The cameras of the tests: a device of vivid and a test pattern.
const (
	vivid   = "id: vivid, source: /dev/video0, size: 320x180, fps: 10"
	pattern = "id: pattern, source: 'test://?size=160x96&fps=10'"
	stream  = "http://127.0.0.1:8080/cameras/pattern/stream.mjpg"
)

// watch has n viewers, which read until the test ends or camd stops.
func watch(t *testing.T, n int) {
	t.Helper()
	for range n {
		answer, err := http.Get(stream)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { defer close(ended); _, _ = io.Copy(io.Discard, answer.Body) }()
		t.Cleanup(func() { _ = answer.Body.Close(); <-ended })
	}
}

func TestServiceRunsConfined(t *testing.T) {
	clip, err := os.ReadFile(testpeer.Clip{Codec: "h264", Size: "320x180"}.Make(t))
	if err != nil {
		t.Fatal(err)
	}
	const film = "/srv/clip.mp4" // the unit allows camd to read it
	if err := os.WriteFile(film, clip, 0o644); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	serve(t, vivid, pattern, "id: film, source: "+film)
	waitForStatus(t, "3 of 3 cameras live, 0 viewers")
	watch(t, 3)
	waitForStatus(t, "3 of 3 cameras live, 3 viewers")
	if log := journal(t, begin, "info"); !strings.Contains(log, `"msg":"serving"`) || strings.Contains(log, "<6>") {
		t.Errorf("in the journal from info on:\n%s", log)
	}
	if log := journal(t, begin, "warning"); strings.Contains(log, `"level":"info"`) {
		t.Errorf("in the journal from warning on:\n%s", log)
	}
	for _, pid := range append(children(mainPID(t)), mainPID(t)) {
		checkConfinement(t, pid)
		checkTimerSlack(t, pid)
	}

	begin = time.Now()
	systemctl(t, "stop", "camd.service")
	t.Logf("stop with 3 viewers: %v", time.Since(begin).Round(10*time.Millisecond))
	if result, code := property(t, "Result"), property(t, "ExecMainStatus"); result != "success" || code != "0" {
		t.Errorf("camd ended with %s, %s", result, code)
	}
}

func children(pid int) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range all {
		b, _ := os.ReadFile(path) // it may be gone
		if strings.Contains(string(b), "\nPPid:\t"+strconv.Itoa(pid)+"\n") {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, child)
		}
	}
	return pids
}

// checkConfinement checks users, capabilities and seccomp of a process in /proc.
func checkConfinement(t *testing.T, pid int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`Uid:\t6\d{4}\t`, `Groups:.*\b44\b`, `CapEff:\t0+\n`, `CapBnd:\t0+\n`, `CapAmb:\t0+\n`, `NoNewPrivs:\t1\n`, `Seccomp:\t2\n`} {
		if !regexp.MustCompile(want).Match(b) {
			t.Errorf("process %d has no %s:\n%s", pid, want, b)
		}
	}
}

// checkTimerSlack checks that every thread of a process has the timer slack that camd sets.
func checkTimerSlack(t *testing.T, pid int) {
	t.Helper()
	threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "1000000" // nanoseconds
	for _, thread := range threads {
		b, err := os.ReadFile(filepath.Join("/proc", thread.Name(), "timerslack_ns"))
		if errors.Is(err, fs.ErrNotExist) { // the thread has ended
			continue
		}
		if got := strings.TrimSpace(string(b)); err != nil || got != want {
			t.Errorf("process %d, thread %s: timer slack %q (%v), want %s", pid, thread.Name(), got, err, want)
		}
	}
}

// addDropIn adds lines to the unit until the test ends, as systemctl edit does.
func addDropIn(t *testing.T, lines string) {
	t.Helper()
	dir := filepath.Join(units, "camd.service.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "test.conf"), []byte("[Service]\n"+lines), 0o644); err != nil {
		t.Fatal(err)
	}
	systemctl(t, "daemon-reload")
	t.Cleanup(func() { _ = os.RemoveAll(dir); systemctl(t, "daemon-reload") })
}

// Without DeviceAllow= the camera cannot be opened. So the lab's kernel enforces it, and TestServiceRunsConfined covers the unit.
func TestDeviceAllowIsRequired(t *testing.T) {
	addDropIn(t, "DeviceAllow=\n")
	serve(t, vivid, pattern)
	waitForStatus(t, "1 of 2 cameras live (vivid is offline), 0 viewers")
}

// LoadCredential= passes a password that only root can read to a camera.
func TestCredentialReachesCamera(t *testing.T) {
	file := filepath.Join(t.TempDir(), "yard.password")
	if err := os.WriteFile(file, []byte("not-a-real-one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addDropIn(t, "LoadCredential=yard.password:"+file+"\n")
	picture, err := os.ReadFile("../../pkg/media/testdata/opencv-grey.jpg")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	right := "Basic " + base64.StdEncoding.EncodeToString([]byte("viewer:not-a-real-one"))
	camera := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != right {
			w.Header().Set("WWW-Authenticate", `Basic realm="yard"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(picture)
	})}
	go func() { _ = camera.Serve(l) }()
	t.Cleanup(func() { _ = camera.Close() })
	serve(t, "id: yard, source: 'http+poll://viewer@"+l.Addr().String()+"/', password_file: '${CREDENTIALS_DIRECTORY}/yard.password'")
	waitForStatus(t, "1 of 1 camera live, 0 viewers")
}

func TestServiceIsReloaded(t *testing.T) {
	if help, _ := testrun.Run(t, daemon, "serve", "--help"); !strings.Contains(help, "SIGHUP") {
		t.Skip("this camd does not reload")
	}
	serve(t, pattern)
	pid := mainPID(t)
	configure(t, pattern, vivid)
	systemctl(t, "reload", "camd.service")
	waitForStatus(t, "2 of 2 cameras live, 0 viewers")
	if now := mainPID(t); now != pid || property(t, "ActiveState") != "active" {
		t.Errorf("process %d is now %d, %s", pid, now, property(t, "ActiveState"))
	}
}

// systemctl reload fails if camd refuses the configuration.
func TestReloadOfBadFileFails(t *testing.T) {
	serve(t, pattern)
	begin, pid := time.Now(), mainPID(t)
	configure(t, pattern, "id: yard")
	if out, err := testrun.Run(t, "systemctl", "reload", "camd.service"); err == nil {
		t.Errorf("accepted: %s", out)
	}
	if log := journal(t, begin, "debug"); !strings.Contains(log, "camd.yaml:4:6: ") && !strings.Contains(log, "camd.yaml:4:5: ") {
		t.Errorf("in the journal:\n%s", log)
	}
	if now := mainPID(t); now != pid || property(t, "ActiveState") != "active" {
		t.Errorf("process %d is now %d, %s", pid, now, property(t, "ActiveState"))
	}
}
