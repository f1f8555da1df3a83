package source

import (
	"bytes"
	"context"
	"errors"
	"image/color"
	"image/jpeg"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/placeholder"
	"camd/pkg/source/sourceurl"
)

// setPausedOrFail turns the camera off or on, which must be a change.
func (r *runningCamera) setPausedOrFail(t *testing.T, paused bool) camera.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if changed, err := r.SetPaused(ctx, paused); err != nil || !changed {
		t.Fatalf("paused %v: changed %v, %v", paused, changed, err)
	}
	return r.Status()
}

// checkPaused checks that the camera is turned off: its state, its process and its pictures.
func (r *runningCamera) checkPaused(t *testing.T, pid int) {
	t.Helper()
	s := r.Status()
	if s.State != camera.Paused || s.Reason != camera.None || s.Detail != "" || s.Worker.PID != 0 || !s.NextRetry.IsZero() || s.Controls != nil {
		t.Errorf("%+v", s)
	}
	if pid != 0 && processExists(pid) {
		t.Errorf("process %d is still there", pid)
	}
	want := placeholder.Options{Title: "cam", State: camera.Paused, Since: s.Since} // without the last picture as background
	for _, name := range r.Renditions() {
		topic, _ := r.Topic(name)
		if f := topic.Newest(); f != nil {
			want.Width, want.Height = f.Format.Width, f.Format.Height
			if !f.Placeholder || !bytes.Equal(f.Data, placeholder.Draw(want)) {
				t.Errorf("the newest of %s is not the placeholder alone: %v", name, f.Placeholder)
			}
		}
	}
}

func TestSetPausedWithdrawsEveryFrame(t *testing.T) {
	c := startCamera(t, Options{Camera: options.Camera{Renditions: smallRenditions}, WorkerPath: faultyWorker(t, "none")})
	subs := map[string]*broker.Subscription{}
	for _, name := range c.Renditions() {
		topic, _ := c.Topic(name)
		subs[name] = topic.Subscribe(broker.InOrder)
		defer subs[name].Close()
		testrun.WaitFor(t, "a picture of "+name, func() bool { f := topic.Newest(); return f != nil && !f.Placeholder })
	}
	pid := c.waitForState(t, camera.Live).Worker.PID
	c.setPausedOrFail(t, true)
	c.checkPaused(t, pid)
	for name, sub := range subs { // which have read nothing yet
		n := 0
		for f := sub.TryNext(); f != nil; f = sub.TryNext() {
			if n++; !f.Placeholder {
				t.Errorf("a slow reader of %s still gets picture %d", name, f.Seq)
			}
		}
		if d := sub.Stats().Dropped; n == 0 || d.Withdrawn == 0 || d.Total() != d.Withdrawn {
			t.Errorf("%s: %d read, %+v", name, n, sub.Stats())
		}
	}
	if changed, err := c.SetPaused(context.Background(), true); changed || err != nil {
		t.Errorf("once more: %v, %v", changed, err)
	}
	c.setPausedOrFail(t, false)
	for name, sub := range subs {
		first, err := jpeg.Decode(bytes.NewReader(nextFrame(t, sub, true).Data))
		if err != nil {
			t.Fatal(err)
		}
		// The last picture was black. Without a background, the placeholder is dark grey.
		if got := color.GrayModel.Convert(first.At(1, 1)).(color.Gray).Y; got < 15 {
			t.Errorf("%s: the picture from before is behind the first placeholder: %d", name, got)
		}
		nextFrame(t, sub, false)
	}
	c.waitForState(t, camera.Live)
}

// unansweredSource returns an address that answers no connection, because its queue is full.
func unansweredSource(t *testing.T) sourceurl.Source {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		waiting, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(waiting) })
		_ = unix.Connect(waiting, at) // in progress
	}
	address := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: at.(*unix.SockaddrInet4).Port}).String()
	src, err := sourceurl.Parse("rtsp://" + address + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestSetPausedWorksInEveryState(t *testing.T) {
	for _, tt := range []struct {
		name     string
		o        Options
		fault    string
		at, then camera.State
		process  bool
	}{
		{"opening", Options{}, "silent", camera.Starting, camera.Starting, true},
		{"live", Options{}, "tuned", camera.Live, camera.Live, true},
		{"hanging", Options{}, "deaf", camera.Live, camera.Live, true},
		{"stalled", Options{Camera: options.Camera{StallTimeout: 300 * time.Millisecond}}, "quiet", camera.Stalled, camera.Live, true},
		{"waiting to try again", Options{}, "reason", camera.Offline, camera.Offline, false},
		{"waiting for a device", Options{Camera: options.Camera{Source: sourceurl.Source{Kind: sourceurl.Device, Path: filepath.Join(t.TempDir(), "video0")}}}, "reason", camera.Offline, camera.Offline, false},
		{"dialing", Options{Camera: options.Camera{Source: unansweredSource(t), Capture: options.Capture{OpenTimeout: time.Hour}}}, "none", camera.Starting, camera.Starting, false},
		{"asleep", Options{Camera: options.Camera{OnDemand: true}}, "none", camera.Idle, camera.Idle, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.WorkerPath = faultyWorker(t, tt.fault)
			c := startCamera(t, tt.o)
			s := c.waitForState(t, tt.at)
			if tt.process {
				testrun.WaitFor(t, "a process", func() bool { s = c.Status(); return s.Worker.PID != 0 })
			}
			c.setPausedOrFail(t, true)
			c.checkPaused(t, s.Worker.PID)
			c.setPausedOrFail(t, false)
			c.waitForState(t, tt.then)
		})
	}
}

// Nothing waits while a camera is turned off: no attempt, no device that may appear, no server that may answer.
func TestSetPausedCancelsEveryAttempt(t *testing.T) {
	c := New(Options{Camera: options.Camera{ID: "cam", Source: sourceurl.Source{Kind: sourceurl.Device, Path: filepath.Join(t.TempDir(), "video0")}}, WorkerPath: faultyWorker(t, "silent")})
	s := newSupervisor(c)
	waits := func() []bool {
		return []bool{s.retry != nil, s.pathWatcher != nil, s.dialing != nil, s.queuedSlot != nil, s.worker != nil}
	}
	check := func(when string, want ...bool) {
		t.Helper()
		if got := waits(); !slices.Equal(got, want) {
			t.Errorf("%s: attempt, device, server, start queue, process: %v, want %v", when, got, want)
		}
	}
	s.openIfNeeded()
	check("begun", false, false, false, true, false)
	s.startWorker()
	check("started", false, false, false, false, true)
	s.stopWorker()
	s.handleFailure(camera.NoDevice, "gone")
	check("failed", true, true, false, false, false)
	s.setPaused(true)
	check("off", false, false, false, false, false)
	s.tick(time.Now().Add(time.Hour))
	s.updateDemand()
	check("off for long", false, false, false, false, false)
	for range 5 { // simulates many failures
		s.backoff.NextBackOff()
	}
	s.setPaused(false)
	check("on", false, false, false, true, false)
	if wait := s.backoff.NextBackOff(); wait > initialRetryDelay*12/10 {
		t.Errorf("the next attempt would be in %v", wait)
	}
	s.setPaused(true)
	check("off again", false, false, false, false, false)
	if s.startQueue.free != 1 {
		t.Errorf("%d start slots are free, want 1", s.startQueue.free)
	}
}

// Viewers neither open an on-demand camera that is turned off, nor make it idle when they leave.
func TestPausedOnDemandCameraIgnoresViewers(t *testing.T) {
	c := startCamera(t, Options{Camera: options.Camera{Renditions: smallRenditions, OnDemand: true, Paused: true}, WorkerPath: faultyWorker(t, "none")})
	topic, _ := c.Topic("small")
	sub := topic.Subscribe(broker.Latest)
	nextFrame(t, sub, true) // the camera has noticed its reader
	c.checkPaused(t, 0)
	sub.Close()
	testrun.WaitFor(t, "its readers to be gone", func() bool { return topic.Newest() == nil })
	if changed, err := c.SetPaused(context.Background(), true); changed || err != nil {
		t.Errorf("%v, %v", changed, err)
	}
	c.checkPaused(t, 0)
	c.setPausedOrFail(t, false)
	c.waitForState(t, camera.Idle)
	main, _ := c.Topic("")
	sub = main.Subscribe(broker.Latest)
	defer sub.Close()
	c.waitForState(t, camera.Live)
}

func TestCameraStartsPaused(t *testing.T) {
	if s := New(Options{Camera: options.Camera{Paused: true}}).Status(); s.State != camera.Paused {
		t.Errorf("before Run, the camera is %s", s.State)
	}
	c := startCamera(t, Options{Camera: options.Camera{Paused: true}, WorkerPath: faultyWorker(t, "none")})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	nextFrame(t, sub, true)
	c.checkPaused(t, 0)
	c.setPausedOrFail(t, false)
	nextFrame(t, sub, false)
}

func TestControlsFailWhilePaused(t *testing.T) {
	c := startDevice(t, nil)
	if _, err := c.setControl(t, "brightness", camera.NumberSetting(7)); err != nil {
		t.Fatal(err)
	}
	c.setPausedOrFail(t, true)
	_, err := c.setControl(t, "brightness", camera.NumberSetting(9))
	if e, ok := errors.AsType[*camera.ControlError](err); !ok || e.Kind != camera.CameraPaused || !strings.Contains(e.Detail, "turned off") {
		t.Errorf("%v", err)
	}
	c.checkPaused(t, 0)
	c.setPausedOrFail(t, false)
	c.waitForState(t, camera.Live)
	if got := c.brightness(t); got != 7 {
		t.Errorf("brightness %d, want 7 again", got)
	}
}

func TestSetPausedReportsUnkillableProcess(t *testing.T) {
	// With CaptureMaxAge, the stuck process is an earlier one than the process that runs.
	for name, o := range map[string]Options{"this": {}, "an earlier": {Camera: options.Camera{CaptureMaxAge: 500 * time.Millisecond}}} {
		t.Run(name, func(t *testing.T) {
			o.WorkerPath = faultyWorker(t, "deaf")
			c := startCamera(t, o)
			pid := c.waitForState(t, camera.Live).Worker.PID
			release := holdInKernel(t, pid)
			for o.CaptureMaxAge > 0 && c.Status().Worker.PID == pid {
				time.Sleep(2 * time.Millisecond)
			}
			if s := c.setPausedOrFail(t, true); s.State != camera.Paused || !strings.Contains(s.Detail, "may still use the device") {
				t.Errorf("%s: %q", s.State, s.Detail)
			}
			release()
			testrun.WaitFor(t, "the detail to be gone with the process", func() bool { return c.Status().Detail == "" })
			c.checkPaused(t, pid)
		})
	}
}

func TestSetPausedFailsAfterRunReturned(t *testing.T) {
	c := startCamera(t, Options{WorkerPath: faultyWorker(t, "none")})
	c.stop()
	if changed, err := c.SetPaused(context.Background(), true); changed || !errors.Is(err, errCameraEnded) {
		t.Errorf("%v, %v", changed, err)
	}
}
