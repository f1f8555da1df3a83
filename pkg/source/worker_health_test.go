package source

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
)

// A camera that repeats its picture is not live, at any rate, until the picture changes.
func TestFrozenCameraStallsUntilPictureChanges(t *testing.T) {
	worker := faultyWorker(t, "frozen")
	c := startCamera(t, Options{Camera: options.Camera{FrozenTimeout: time.Second}, WorkerPath: worker})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	nextFrame(t, sub, false)
	s := c.waitForState(t, camera.Stalled)
	if s.Reason != camera.Frozen {
		t.Errorf("stalled by %s (%s)", s.Reason, s.Detail)
	}
	nextFrame(t, sub, true)
	if err := os.WriteFile(filepath.Join(filepath.Dir(worker), "moved"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	nextFrame(t, sub, false)
	testrun.WaitFor(t, "the camera to be live again", func() bool { return c.logs.FilterField(stateField(camera.Live)).Len() >= 2 })
	if c.Status().Counts.Restarts[camera.Frozen] != 0 {
		t.Error("the frozen camera was opened again")
	}
	c.waitForState(t, camera.Stalled) // it stands still again
}

func TestWorkerAboveMemoryLimitIsReplaced(t *testing.T) {
	c := startCamera(t, Options{Camera: options.Camera{Capture: options.Capture{CaptureMemory: 100 << 20}}, WorkerPath: faultyWorker(t, "hungry")})
	s := c.waitForState(t, camera.Offline)
	if s.Reason != camera.WorkerMemory || s.Counts.Restarts[camera.WorkerMemory] != 1 || s.Worker.LimitBytes != 100<<20 {
		t.Errorf("%s: %s", s.Reason, s.Detail)
	}
	c.waitForState(t, camera.Live)
}

func TestWorkerIsReplacedAtMaxAge(t *testing.T) {
	c := startCamera(t, Options{Camera: options.Camera{CaptureMaxAge: time.Second}, WorkerPath: faultyWorker(t, "good")})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest) // that worker sends pictures while they are wanted
	defer sub.Close()
	first := c.waitForState(t, camera.Live).Worker.PID
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		s := c.Status()
		if s.State == camera.Live && s.Worker.PID != first {
			if s.Counts.Restarts[camera.Recycled] == 0 {
				t.Errorf("replaced for %v", s.Counts.Restarts)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s (%s), process %d, was %d", s.State, s.Reason, s.Worker.PID, first)
		}
	}
	if processExists(first) {
		t.Error("the old process is still there")
	}
}

// A camera whose picture size changes after each opening is opened again with backoff.
func TestResizingCameraIsRetriedWithBackoff(t *testing.T) {
	c := startCamera(t, Options{WorkerPath: faultyWorker(t, "resizes")})
	if s := c.waitForState(t, camera.Offline); s.Reason != camera.Resized || s.NextRetry.IsZero() {
		t.Errorf("%s: %s, next attempt %v", s.Reason, s.Detail, s.NextRetry)
	}
}
