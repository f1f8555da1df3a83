package source

import (
	"bufio"
	"bytes"
	"context"
	"image/jpeg"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// nextFrame returns the reader's next frame that is live, or a placeholder, as wanted.
func nextFrame(t *testing.T, sub *broker.Subscription, placeholder bool) *broker.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for {
		f, err := sub.Next(ctx)
		if err != nil {
			t.Fatalf("no frame with placeholder = %v", placeholder)
		}
		if f.Placeholder == placeholder {
			return f
		}
	}
}

func TestCrashedWorkerIsReplaced(t *testing.T) {
	c := startCamera(t, Options{WorkerPath: faultyWorker(t, "crash")})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.InOrder)
	defer sub.Close()
	live := nextFrame(t, sub, false)
	placeholder := nextFrame(t, sub, true)
	if placeholder.Format.Width != live.Format.Width && placeholder.Format.Width != 64 {
		t.Errorf("placeholder %dx%d after pictures of %dx%d", placeholder.Format.Width, placeholder.Format.Height, live.Format.Width, live.Format.Height)
	}
	if _, err := jpeg.Decode(bytes.NewReader(placeholder.Data)); err != nil {
		t.Errorf("placeholder: %v", err)
	}
	nextFrame(t, sub, false) // live again on the same subscription
	s := c.waitForState(t, camera.Live)
	if n := s.Counts.Restarts[camera.WorkerCrashed]; n != 1 {
		t.Errorf("%d crashes counted, want 1", n)
	}
	entry := c.logs.FilterMessage("camera state").FilterField(stateField(camera.Offline)).All()
	if len(entry) != 1 || !strings.Contains(entry[0].ContextMap()["detail"].(string), "signal: killed: about to crash") {
		t.Errorf("offline was logged as %v", entry)
	}
	if s.Worker.CPUSeconds <= 0 || s.Worker.PID == 0 || s.Worker.RSSBytes == 0 {
		t.Errorf("worker %+v", s.Worker)
	}
}

func TestWorkerFaultsBecomeReasons(t *testing.T) {
	for _, c := range []struct {
		fault  string
		state  camera.State
		reason camera.Reason
		detail string
	}{
		{"reason", camera.Offline, camera.Auth, "401 Unauthorized"},
		{"nonsense", camera.Offline, camera.WorkerCrashed, "wire: "},
		{"quiet", camera.Stalled, camera.Timeout, ""},
		{"invents", camera.Offline, camera.WorkerCrashed, `wire: pictures refused for "ugly"`},
		{"invents a cause", camera.Offline, camera.WorkerCrashed, `wire: a picture refused for "ugly"`},
		{"garbage", camera.Stalled, camera.BadStream, "jpeg not_jpeg"},
		{"damaged", camera.Stalled, camera.Damaged, "3 of 9 blocks"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			cam := startCamera(t, Options{Camera: options.Camera{StallTimeout: 300 * time.Millisecond}, WorkerPath: faultyWorker(t, c.fault)})
			s := cam.waitForState(t, c.state)
			if s.Reason != c.reason || !strings.Contains(s.Detail, c.detail) {
				t.Errorf("%s: %q, want %s: %q", s.Reason, s.Detail, c.reason, c.detail)
			}
			if c.fault == "garbage" && s.Counts.Refused["not_jpeg"] == 0 {
				t.Error("no picture was counted as refused")
			}
			if c.state == camera.Offline && s.NextRetry.IsZero() {
				t.Error("no next attempt")
			}
		})
	}
}

// Pictures that the capture process leaves out count in the same way as pictures that camd refuses.
func TestWorkerRefusalsAreCounted(t *testing.T) {
	s := startCamera(t, Options{WorkerPath: faultyWorker(t, "loses")}).waitForState(t, camera.Live)
	for cause, want := range map[string]uint64{"truncated": 2, "damaged": 7, "not_jpeg": 0} {
		if n := s.Counts.Refused[cause]; n != want {
			t.Errorf("%d refused for %s, want %d", n, cause, want)
		}
	}
}

func TestMissingWorkerMakesCameraOffline(t *testing.T) {
	s := startCamera(t, Options{WorkerPath: "/nowhere/" + WorkerName}).waitForState(t, camera.Offline)
	if s.Reason != camera.WorkerMissing || s.Detail != "start /nowhere/camd-capture: no such file or directory" {
		t.Errorf("%s: %s", s.Reason, s.Detail)
	}
}

func TestStoppingEndsEveryProcess(t *testing.T) {
	for _, fault := range []string{"none", "deaf", "silent", "quiet"} {
		t.Run(fault, func(t *testing.T) {
			c := startCamera(t, Options{WorkerPath: faultyWorker(t, fault)})
			if fault == "silent" || fault == "none" {
				c.waitForState(t, camera.Starting)
			} else {
				c.waitForState(t, camera.Live)
			}
			var pid int
			for pid == 0 {
				pid = c.Status().Worker.PID
			}
			c.stop()
			if processExists(pid) {
				t.Errorf("process %d is still there", pid)
			}
			if s := c.Status(); s.Worker.PID != 0 {
				t.Errorf("worker %+v", s.Worker)
			}
		})
	}
}

// holdInKernel makes a process unkillable until release is called.
func holdInKernel(t *testing.T, pid int) (release func()) {
	t.Helper()
	holder := exec.Command(os.Args[0], "hold", strconv.Itoa(pid))
	in, _ := holder.StdinPipe()
	out, _ := holder.StdoutPipe()
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	release = func() { _ = in.Close(); _ = holder.Wait() }
	t.Cleanup(release)
	if said, _ := bufio.NewReader(out).ReadString('\n'); said != "held\n" {
		t.Fatalf("ptrace: %s", said)
	}
	return release
}

func TestUnkillableProcessIsLoggedAndReapedLater(t *testing.T) {
	c := startCamera(t, Options{WorkerPath: faultyWorker(t, "deaf")})
	pid := c.waitForState(t, camera.Live).Worker.PID
	release := holdInKernel(t, pid)
	c.stop()
	if !processExists(pid) {
		t.Error("the process could be killed, so this test shows nothing")
	}
	if got := c.logs.FilterMessage("capture process not killed").Len(); got != 1 {
		t.Errorf("%d lines say so", got)
	}
	release()
	testrun.WaitFor(t, "the process to be reaped", func() bool { return !processExists(pid) })
}

func TestSilentWorkerIsKilled(t *testing.T) {
	// The limit on opening is OpenTimeout + hangMargin.
	c := startCamera(t, Options{Camera: options.Camera{Capture: options.Capture{OpenTimeout: 100 * time.Millisecond}}, WorkerPath: faultyWorker(t, "silent")})
	if s := c.waitForState(t, camera.Offline); s.Reason != camera.Timeout || s.Detail != "the camera did not open within 100ms: raise open_timeout if it is slow" {
		t.Errorf("%s: %s", s.Reason, s.Detail)
	}
}

func TestOnDemandCameraRunsOnlyWhileWatched(t *testing.T) {
	c := startCamera(t, Options{Camera: options.Camera{OnDemand: true}, WorkerPath: faultyWorker(t, "none")})
	if s := c.waitForState(t, camera.Idle); s.Worker.PID != 0 {
		t.Error("a process runs although nobody watches")
	}
	topic, _ := c.Topic(camera.Main)
	sub := topic.Subscribe(broker.Latest)
	nextFrame(t, sub, false)
	if s := c.waitForState(t, camera.Live); s.Worker.PID == 0 {
		t.Error("live without a process")
	}
	sub.Close()
	if s := c.waitForState(t, camera.Idle); s.Worker.PID != 0 {
		t.Error("a process still runs although nobody watches")
	}
	if f := topic.Newest(); !f.Placeholder {
		t.Error("an old picture is the newest one")
	}
}

func TestSecretsAreNotLogged(t *testing.T) {
	const secret = "p@ss w0rd/%"
	l, err := net.Listen("tcp", "127.0.0.1:0") // without a server, no process is started
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	src, err := sourceurl.Parse("rtsp://" + l.Addr().String() + "/stream?token=canary")
	if err != nil {
		t.Fatal(err)
	}
	src.User, src.Password = "viewer", secret
	t.Setenv("CAMD_TEST_SECRET", secret)
	c := startCamera(t, Options{Camera: options.Camera{Source: src, Capture: options.Capture{Reader: options.ReaderOpenCV}}, WorkerPath: faultyWorker(t, "leaks")})
	c.waitForState(t, camera.Live)
	if c.logs.FilterMessage("capture output").Len() == 0 {
		t.Fatal("the worker's output is not in the log")
	}
	for _, e := range c.logs.All() {
		for key, v := range e.ContextMap() {
			if s, ok := v.(string); ok && (strings.Contains(s, secret) || strings.Contains(s, "canary")) {
				t.Errorf("%s: %s = %s", e.Message, key, s)
			}
		}
	}
	if s := c.Status(); strings.Contains(s.Source, "canary") || strings.Contains(s.Source, secret) {
		t.Errorf("source %s", s.Source)
	}
}

// camd starts no process for a network camera whose server does not answer.
func TestUnreachableServerStartsNoProcess(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	src, err := sourceurl.Parse("rtsp://" + address + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	worker := faultyWorker(t, "good")
	c := startCamera(t, Options{Camera: options.Camera{Source: src, Capture: options.Capture{Reader: options.ReaderOpenCV}}, WorkerPath: worker})
	if s := c.waitForState(t, camera.Offline); s.Reason != camera.Unreachable || s.Detail != address+" refused the connection: check the port" {
		t.Errorf("%s: %s", s.Reason, s.Detail)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(worker), "ran")); err == nil {
		t.Error("a process was started")
	}
	if l, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	c.waitForState(t, camera.Live)
}

// A file that appears ends the wait for the next attempt, however long that is.
func TestPathWatcherReportsNewFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "video0")
	a := watchPath(path, startCamera(t, Options{WorkerPath: "/nowhere"}).log)
	defer a.close()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-a.changed():
	case <-time.After(2 * time.Minute):
		t.Fatal("not seen")
	}
}

func TestProbeReturnsReportOrReason(t *testing.T) {
	_, err := Probe(context.Background(), Options{Camera: options.Camera{ID: "probe", Source: sourceurl.Source{Kind: sourceurl.Test}}, WorkerPath: faultyWorker(t, "reason")}, time.Second)
	if err == nil || err.Error() != "the camera refused the user or password: 401 Unauthorized" {
		t.Errorf("%v", err)
	}
	r, err := Probe(context.Background(), Options{Camera: options.Camera{ID: "probe", Source: sourceurl.Source{Kind: sourceurl.Test}}, WorkerPath: faultyWorker(t, "none")}, 100*time.Millisecond)
	if err != nil || r.Frames != 3 || r.Frame.Format.Width != 32 || r.Format.Codec != "mjpeg" || r.FirstFrame < r.OpenTime {
		t.Errorf("%+v, %v", r, err)
	}
}
