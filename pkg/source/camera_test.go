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

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/spec"
)

// next returns the reader's next frame that is live, or a placeholder, as wanted.
func next(t *testing.T, sub *broker.Subscription, placeholder bool) *broker.Frame {
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
	c := start(t, Options{Worker: faulty(t, "crash")})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.InOrder)
	defer sub.Close()
	live := next(t, sub, false)
	card := next(t, sub, true)
	if card.Width != live.Width && card.Width != 64 {
		t.Errorf("placeholder %dx%d after pictures of %dx%d", card.Width, card.Height, live.Width, live.Height)
	}
	if _, err := jpeg.Decode(bytes.NewReader(card.JPEG)); err != nil {
		t.Errorf("placeholder: %v", err)
	}
	next(t, sub, false) // live again on the same subscription
	s := c.reaches(t, camera.Live)
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

func TestReasons(t *testing.T) {
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
			cam := start(t, Options{Worker: faulty(t, c.fault), Stall: 300 * time.Millisecond})
			s := cam.reaches(t, c.state)
			if s.Reason != c.reason || !strings.Contains(s.Detail, c.detail) {
				t.Errorf("%s: %q, want %s: %q", s.Reason, s.Detail, c.reason, c.detail)
			}
			if c.fault == "garbage" && s.Counts.Refused["not_jpeg"] == 0 {
				t.Error("no picture was counted as refused")
			}
			if c.state == camera.Offline && s.Retry.IsZero() {
				t.Error("no next attempt")
			}
		})
	}
}

// What the capture process leaves out by itself counts as what camd refuses does.
func TestPicturesLeftOut(t *testing.T) {
	s := start(t, Options{Worker: faulty(t, "loses")}).reaches(t, camera.Live)
	for cause, want := range map[string]uint64{"truncated": 2, "damaged": 7, "not_jpeg": 0} {
		if n := s.Counts.Refused[cause]; n != want {
			t.Errorf("%d refused for %s, want %d", n, cause, want)
		}
	}
}

func TestMissingWorker(t *testing.T) {
	s := start(t, Options{Worker: "/nowhere/" + WorkerName}).reaches(t, camera.Offline)
	if s.Reason != camera.WorkerMissing || s.Detail != "start /nowhere/camd-capture: no such file or directory" {
		t.Errorf("%s: %s", s.Reason, s.Detail)
	}
}

func TestStoppingEndsEveryProcess(t *testing.T) {
	for _, fault := range []string{"none", "deaf", "silent", "quiet"} {
		t.Run(fault, func(t *testing.T) {
			c := start(t, Options{Worker: faulty(t, fault)})
			if fault == "silent" || fault == "none" {
				c.reaches(t, camera.Starting)
			} else {
				c.reaches(t, camera.Live)
			}
			var pid int
			for pid == 0 {
				pid = c.Status().Worker.PID
			}
			c.stop()
			if exists(pid) {
				t.Errorf("process %d is still there", pid)
			}
			if s := c.Status(); s.Worker.PID != 0 {
				t.Errorf("worker %+v", s.Worker)
			}
		})
	}
}

// holdInKernel makes a process one that nothing can kill, until it is released.
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

func TestProcessThatCannotBeKilled(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "deaf")})
	pid := c.reaches(t, camera.Live).Worker.PID
	release := holdInKernel(t, pid)
	c.stop()
	if !exists(pid) {
		t.Error("it could be killed: this test shows nothing")
	}
	if got := c.logs.FilterMessage("capture process cannot be killed").Len(); got != 1 {
		t.Errorf("%d lines say so", got)
	}
	release()
	for deadline := time.Now().Add(2 * time.Minute); exists(pid); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is not reaped when it can be")
		}
	}
}

func TestSilentWorkerIsKilled(t *testing.T) {
	// Patience with opening is Open + beyond.
	c := start(t, Options{Worker: faulty(t, "silent"), Open: 100 * time.Millisecond})
	if s := c.reaches(t, camera.Offline); s.Reason != camera.Timeout || s.Detail != "opening it took longer than 100ms" {
		t.Errorf("%s: %s", s.Reason, s.Detail)
	}
}

func TestOnDemand(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "none"), OnDemand: true})
	if s := c.reaches(t, camera.Idle); s.Worker.PID != 0 {
		t.Error("a process runs though nobody watches")
	}
	topic, _ := c.Topic(camera.Main)
	sub := topic.Subscribe(broker.Latest)
	next(t, sub, false)
	if s := c.reaches(t, camera.Live); s.Worker.PID == 0 {
		t.Error("live without a process")
	}
	sub.Close()
	if s := c.reaches(t, camera.Idle); s.Worker.PID != 0 {
		t.Error("a process runs though nobody watches any more")
	}
	if f := topic.Newest(); !f.Placeholder {
		t.Error("an old picture stands as the newest one")
	}
}

func TestSecretsStayInside(t *testing.T) {
	const secret = "p@ss w0rd/%"
	l, err := net.Listen("tcp", "127.0.0.1:0") // nothing is started for a camera whose server is not there
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	src, err := spec.Parse("rtsp://" + l.Addr().String() + "/stream?token=canary")
	if err != nil {
		t.Fatal(err)
	}
	src.User, src.Password = "viewer", secret
	t.Setenv("CAMD_TEST_SECRET", secret)
	c := start(t, Options{Worker: faulty(t, "leaks"), Source: src})
	c.reaches(t, camera.Live)
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

// For a network camera whose server cannot be reached no process is started.
func TestUnreachableServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	src, err := spec.Parse("rtsp://" + address + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	worker := faulty(t, "good")
	c := start(t, Options{Worker: worker, Source: src})
	if s := c.reaches(t, camera.Offline); s.Reason != camera.Unreachable || s.Detail != address+" refuses connections" {
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
	c.reaches(t, camera.Live)
}

// A file that appears ends the wait for the next attempt, however long that is.
func TestDeviceThatAppears(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "video0")
	a := watch(path, start(t, Options{Worker: "/nowhere"}).log)
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

func TestProbeSaysWhy(t *testing.T) {
	_, err := Probe(context.Background(), Options{ID: "probe", Worker: faulty(t, "reason"), Source: spec.Source{Kind: spec.Test}}, time.Second)
	if err == nil || err.Error() != "the camera refused the user or password: 401 Unauthorized" {
		t.Errorf("%v", err)
	}
	r, err := Probe(context.Background(), Options{ID: "probe", Worker: faulty(t, "none"), Source: spec.Source{Kind: spec.Test}}, 100*time.Millisecond)
	if err != nil || r.Frames != 3 || r.Frame.Width != 32 || r.Format.Codec != "mjpeg" || r.FirstFrame < r.OpenTime {
		t.Errorf("%+v, %v", r, err)
	}
}
