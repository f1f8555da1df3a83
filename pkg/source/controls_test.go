package source

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// runControlsWorker is a worker whose device has a brightness, a button, and a control with which its driver hangs.
func runControlsWorker(in *wire.Reader, out *wire.Writer) {
	var brightness int64
	answer := func(m wire.SetControls, refused map[string]string) {
		if to, set := m.Set["brightness"]; set {
			brightness = to.Number
		}
		_ = out.Write(wire.Controls{Request: m.Request, Refused: refused, List: []camera.Control{
			{Name: "brightness", Kind: camera.Integer, Max: 255, Value: brightness, HasValue: true},
			{Name: "press", Kind: camera.Button},
			{Name: "hang", Kind: camera.Boolean},
		}})
	}
	for {
		m, err := in.Next()
		if err != nil {
			return
		}
		switch m := m.(type) {
		case wire.Start:
			sendFrames(out, 1)
			refused := map[string]string{}
			for name := range m.Controls {
				if name != "brightness" {
					refused[name] = "no such control"
				}
			}
			answer(wire.SetControls{Set: m.Controls}, refused)
		case wire.SetControls:
			switch {
			case m.Set["die"].Kind != "":
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			case m.Set["hang"].Kind != "":
			case m.Set["brightness"].Number > 255:
				_ = out.Write(wire.Controls{Request: m.Request, ErrorKind: string(camera.BadSetting), Detail: "too bright"})
			default:
				answer(m, nil)
			}
		case wire.Stop:
			return
		}
	}
}

// startDevice runs a camera with controls until the test ends.
func startDevice(t *testing.T, controls map[string]camera.Setting) *runningCamera {
	t.Helper()
	c := startCamera(t, Options{Camera: options.Camera{Source: sourceurl.Source{Kind: sourceurl.Device, Path: "/dev/video0"}, Controls: controls, StallTimeout: time.Minute}, WorkerPath: faultyWorker(t, "tuned")})
	c.waitForState(t, camera.Live)
	return c
}

func (r *runningCamera) setControl(t *testing.T, name string, to camera.Setting) ([]camera.Control, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return r.SetControls(ctx, map[string]camera.Setting{name: to})
}

// brightness returns the brightness of the worker's device.
func (r *runningCamera) brightness(t *testing.T) int64 {
	t.Helper()
	list, err := r.Controls(context.Background())
	if err != nil || len(list) != 3 {
		t.Fatalf("got %+v, %v", list, err)
	}
	return list[0].Value
}

func errorKind(err error) camera.ControlErrorKind {
	var e *camera.ControlError
	if !errors.As(err, &e) {
		return ""
	}
	return e.Kind
}

func TestControlsAreSetAgainAfterRestart(t *testing.T) {
	c := startDevice(t, map[string]camera.Setting{"brightness": camera.NumberSetting(7), "nonsense": camera.SwitchSetting(true)})
	if got := c.brightness(t); got != 7 {
		t.Errorf("got brightness %d, want 7 as configured", got)
	}
	warned := c.logs.FilterMessage("control not set").All()
	if len(warned) != 1 || warned[0].ContextMap()["control"] != "nonsense" || warned[0].ContextMap()["setting"] != "true" {
		t.Errorf("logged %v", warned)
	}
	if _, err := c.setControl(t, "brightness", camera.NumberSetting(256)); errorKind(err) != camera.BadSetting || err.Error() != "too bright" {
		t.Errorf("got %v", err)
	}
	if list, err := c.setControl(t, "brightness", camera.NumberSetting(200)); err != nil || list[0].Value != 200 {
		t.Errorf("got %v, %v", list, err)
	}
	if _, err := c.setControl(t, "press", camera.SwitchSetting(true)); err != nil {
		t.Error(err)
	}
	if s := c.Status(); len(s.Controls) != 3 || s.Controls[0].Value != 200 {
		t.Errorf("status has %v", s.Controls)
	}
	if err := testpeer.Signal(c.Status().Worker.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.waitForState(t, camera.Offline)
	c.waitForState(t, camera.Live)
	if got := c.brightness(t); got != 200 {
		t.Errorf("got brightness %d of the new process, want 200 as before", got)
	}
	for _, e := range c.logs.FilterMessage("control not set").All() {
		if e.ContextMap()["control"] == "press" {
			t.Error("the button was pressed again")
		}
	}
}

func TestHangingDriverLimitsPendingRequests(t *testing.T) {
	c := startDevice(t, nil)
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	left := make(chan error, maxPendingRequests)
	for range maxPendingRequests {
		go func() {
			for {
				_, err := c.SetControls(ctx, map[string]camera.Setting{"hang": camera.NumberSetting(1)})
				if errorKind(err) != camera.ControlsTimeout { // a request of the test was pending at that moment
					left <- err
					return
				}
			}
		}()
	}
	var err error
	for deadline := time.Now().Add(2 * time.Minute); err == nil && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		_, err = c.Controls(context.Background())
	}
	if errorKind(err) != camera.ControlsTimeout || !strings.Contains(err.Error(), "earlier requests") {
		t.Errorf("got %v beside %d requests that hang", err, maxPendingRequests)
	}
	if s := c.Status().State; s != camera.Live {
		t.Errorf("%s, want live", s)
	}
	leave()
	for range maxPendingRequests {
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

func TestControlsFailWhileCameraIsClosed(t *testing.T) {
	c := startDevice(t, nil)
	if _, err := c.setControl(t, "die", camera.NumberSetting(1)); errorKind(err) != camera.NotOpen || err.Error() != "the camera was closed before it answered" {
		t.Errorf("got %v", err)
	}
	if s := c.waitForState(t, camera.Offline); s.Controls != nil {
		t.Errorf("offline with %v", s.Controls)
	}
	c.stop()

	c = startCamera(t, Options{Camera: options.Camera{Source: sourceurl.Source{Kind: sourceurl.Device, Path: "/dev/video0"}}, WorkerPath: "/nowhere"})
	c.waitForState(t, camera.Offline)
	_, err := c.setControl(t, "brightness", camera.NumberSetting(1))
	want := "the camera is offline (the capture process does not start): its controls are available only while it is open"
	if errorKind(err) != camera.NotOpen || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestControlsRequireDevice(t *testing.T) {
	c := startCamera(t, Options{WorkerPath: faultyWorker(t, "none")})
	if _, err := c.Controls(context.Background()); errorKind(err) != camera.NoControls {
		t.Errorf("got %v", err)
	}
}
