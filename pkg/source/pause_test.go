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

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/placeholder"
	"camd/pkg/source/spec"
)

// turn switches the camera off or on, which must be a change.
func (r *running) turn(t *testing.T, paused bool) camera.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if changed, err := r.Pause(ctx, paused); err != nil || !changed {
		t.Fatalf("paused %v: changed %v, %v", paused, changed, err)
	}
	return r.Status()
}

// off checks that the camera is switched off, wholly.
func (r *running) off(t *testing.T, pid int) {
	t.Helper()
	s := r.Status()
	if s.State != camera.Paused || s.Reason != camera.None || s.Detail != "" || s.Worker.PID != 0 || !s.Retry.IsZero() || s.Controls != nil {
		t.Errorf("%+v", s)
	}
	if pid != 0 && exists(pid) {
		t.Errorf("process %d is still there", pid)
	}
	card := placeholder.Card{Title: "cam", State: camera.Paused, Since: s.Since} // and no last picture behind it
	for _, name := range r.Renditions() {
		topic, _ := r.Topic(name)
		if f := topic.Newest(); f != nil {
			card.Width, card.Height = f.Width, f.Height
			if !f.Placeholder || !bytes.Equal(f.JPEG, placeholder.Draw(card)) {
				t.Errorf("the newest of %s is not the placeholder alone: %v", name, f.Placeholder)
			}
		}
	}
}

func TestPauseTakesEveryPictureAway(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "none"), Renditions: small})
	subs := map[string]*broker.Subscription{}
	for _, name := range c.Renditions() {
		topic, _ := c.Topic(name)
		subs[name] = topic.Subscribe(broker.InOrder)
		defer subs[name].Close()
		for deadline := time.Now().Add(30 * time.Second); topic.Newest() == nil || topic.Newest().Placeholder; time.Sleep(2 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s never gives a picture", name)
			}
		}
	}
	pid := c.reaches(t, camera.Live).Worker.PID
	c.turn(t, true)
	c.off(t, pid)
	for name, sub := range subs { // which have read nothing yet
		n := 0
		for f := sub.TryNext(); f != nil; f = sub.TryNext() {
			if n++; !f.Placeholder {
				t.Errorf("a reader of %s that is behind still gets picture %d", name, f.Seq)
			}
		}
		if n < 2 || sub.Stats().Dropped != 0 {
			t.Errorf("%s: %d read, %+v", name, n, sub.Stats())
		}
	}
	if changed, err := c.Pause(context.Background(), true); changed || err != nil {
		t.Errorf("once more: %v, %v", changed, err)
	}
	c.turn(t, false)
	for name, sub := range subs {
		first, err := jpeg.Decode(bytes.NewReader(next(t, sub, true).JPEG))
		if err != nil {
			t.Fatal(err)
		}
		// The last picture was black; where there is none behind the text, it is a dark grey.
		if got := color.GrayModel.Convert(first.At(1, 1)).(color.Gray).Y; got < 15 {
			t.Errorf("%s: the picture from before is behind the first placeholder: %d", name, got)
		}
		next(t, sub, false)
	}
	c.reaches(t, camera.Live)
}

// blackHole is an address that answers no connection: whatever can wait to be accepted already does.
func blackHole(t *testing.T) spec.Source {
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
	src, err := spec.Parse("rtsp://" + address + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestPauseAtAnyTime(t *testing.T) {
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
		{"stalled", Options{Stall: 300 * time.Millisecond}, "quiet", camera.Stalled, camera.Live, true},
		{"waiting to try again", Options{}, "reason", camera.Offline, camera.Offline, false},
		{"waiting for a device", Options{Source: spec.Source{Kind: spec.Device, Path: filepath.Join(t.TempDir(), "video0")}}, "reason", camera.Offline, camera.Offline, false},
		{"dialing", Options{Source: blackHole(t), Open: time.Hour}, "none", camera.Starting, camera.Starting, false},
		{"asleep", Options{OnDemand: true}, "none", camera.Idle, camera.Idle, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Worker = faulty(t, tt.fault)
			c := start(t, tt.o)
			s := c.reaches(t, tt.at)
			for deadline := time.Now().Add(30 * time.Second); tt.process && s.Worker.PID == 0; s = c.Status() {
				if time.Now().After(deadline) {
					t.Fatal("no process")
				}
			}
			c.turn(t, true)
			c.off(t, s.Worker.PID)
			c.turn(t, false)
			c.reaches(t, tt.then)
		})
	}
}

// Nothing waits while a camera is switched off: no attempt, no device that may appear, no server that may answer.
func TestNothingGoesOnWhilePaused(t *testing.T) {
	c := New(Options{ID: "cam", Worker: faulty(t, "silent"), Source: spec.Source{Kind: spec.Device, Path: filepath.Join(t.TempDir(), "video0")}})
	s := newSupervisor(c)
	waits := func() []bool {
		return []bool{s.retry != nil, s.appeared != nil, s.dialing != nil, s.queued != nil, s.worker != nil}
	}
	check := func(when string, want ...bool) {
		t.Helper()
		if got := waits(); !slices.Equal(got, want) {
			t.Errorf("%s: attempt, device, server, start queue, process: %v, want %v", when, got, want)
		}
	}
	s.begin()
	check("begun", false, false, false, true, false)
	s.startWorker()
	check("started", false, false, false, false, true)
	s.end()
	s.failed(camera.NoDevice, "gone")
	check("failed", true, true, false, false, false)
	s.turnTo(true)
	check("off", false, false, false, false, false)
	s.tick(time.Now().Add(time.Hour))
	s.follow()
	check("off for long", false, false, false, false, false)
	for range 5 { // as if it had failed often
		s.backoff.NextBackOff()
	}
	s.turnTo(false)
	check("on", false, false, false, true, false)
	if wait := s.backoff.NextBackOff(); wait > firstRetry*12/10 {
		t.Errorf("the next attempt would be in %v", wait)
	}
	s.turnTo(true)
	check("off again", false, false, false, false, false)
	if s.starts.free != 1 {
		t.Errorf("%d start slots are free, want 1", s.starts.free)
	}
}

// A camera on demand that is switched off is not opened by viewers, nor put to sleep when they leave.
func TestPausedOnDemand(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "none"), Renditions: small, OnDemand: true, Paused: true})
	topic, _ := c.Topic("small")
	sub := topic.Subscribe(broker.Latest)
	next(t, sub, true) // as soon as the camera knows of its reader
	c.off(t, 0)
	sub.Close()
	for deadline := time.Now().Add(30 * time.Second); topic.Newest() != nil; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("its readers are never gone")
		}
	}
	if changed, err := c.Pause(context.Background(), true); changed || err != nil {
		t.Errorf("%v, %v", changed, err)
	}
	c.off(t, 0)
	c.turn(t, false)
	c.reaches(t, camera.Idle)
	main, _ := c.Topic("")
	sub = main.Subscribe(broker.Latest)
	defer sub.Close()
	c.reaches(t, camera.Live)
}

func TestCameraThatBeginsPaused(t *testing.T) {
	if s := New(Options{Paused: true}).Status(); s.State != camera.Paused {
		t.Errorf("before it runs it is %s", s.State)
	}
	c := start(t, Options{Worker: faulty(t, "none"), Paused: true})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	next(t, sub, true)
	c.off(t, 0)
	c.turn(t, false)
	next(t, sub, false)
}

func TestControlsOfPausedCamera(t *testing.T) {
	c := device(t, nil)
	if _, err := c.set(t, "brightness", camera.Number(7)); err != nil {
		t.Fatal(err)
	}
	c.turn(t, true)
	_, err := c.set(t, "brightness", camera.Number(9))
	if e, ok := errors.AsType[*camera.ControlError](err); !ok || e.Trouble != camera.SwitchedOff || !strings.Contains(e.Detail, "switched off") {
		t.Errorf("%v", err)
	}
	c.off(t, 0)
	c.turn(t, false)
	c.reaches(t, camera.Live)
	if got := c.brightness(t); got != 7 {
		t.Errorf("brightness %d, want 7 again", got)
	}
}

func TestPauseOfProcessThatCannotBeKilled(t *testing.T) {
	// Recycle: it may well have been another process before the one that runs.
	for name, o := range map[string]Options{"this": {}, "an earlier": {Recycle: 500 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			o.Worker = faulty(t, "deaf")
			c := start(t, o)
			pid := c.reaches(t, camera.Live).Worker.PID
			release := holdInKernel(t, pid)
			for o.Recycle > 0 && c.Status().Worker.PID == pid {
				time.Sleep(2 * time.Millisecond)
			}
			if s := c.turn(t, true); s.State != camera.Paused || !strings.Contains(s.Detail, "may still hold the device") {
				t.Errorf("%s: %q", s.State, s.Detail)
			}
			release()
			for deadline := time.Now().Add(30 * time.Second); c.Status().Detail != ""; time.Sleep(2 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("it is gone, and nobody says so")
				}
			}
			c.off(t, pid)
		})
	}
}

func TestPauseOfCameraThatHasEnded(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "none")})
	c.stop()
	if changed, err := c.Pause(context.Background(), true); changed || !errors.Is(err, errGone) {
		t.Errorf("%v, %v", changed, err)
	}
}
