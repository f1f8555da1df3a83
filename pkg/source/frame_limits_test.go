package source

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/options"
)

// The capture process sends pictures beyond the limit although it knows the limit.
func TestOversizedFramesStallCamera(t *testing.T) {
	worker := faultyWorker(t, "oversized")
	c := startCamera(t, Options{Camera: options.Camera{StallTimeout: time.Second, Capture: options.Capture{Limits: media.Limits{Bytes: 1 << 20}}}, WorkerPath: worker})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	nextFrame(t, sub, false)
	s := c.waitForState(t, camera.Stalled)
	if want := "pictures of 1.0 MB exceed limits.frame_bytes (1 MiB)"; s.Reason != camera.TooLarge || s.Detail != want {
		t.Errorf("stalled by %s: %q, want %s: %q", s.Reason, s.Detail, camera.TooLarge, want)
	}
	if s.Counts.Refused[media.TooLarge] == 0 {
		t.Errorf("refused %v", s.Counts.Refused)
	}
	nextFrame(t, sub, true)
	if err := os.WriteFile(filepath.Join(filepath.Dir(worker), "recovers"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	nextFrame(t, sub, false)
	c.waitForState(t, camera.Live)
}

func TestFramesWithTooManyPixelsStallCamera(t *testing.T) {
	c := startCamera(t, Options{Camera: options.Camera{StallTimeout: time.Second, Capture: options.Capture{Limits: media.Limits{Pixels: 32*16 - 1}}}, WorkerPath: faultyWorker(t, "wide")})
	s := c.waitForState(t, camera.Stalled)
	if want := "size 32x16 has more than 511 pixels (limits.frame_pixels is 511, limits.frame_bytes 8388608)"; s.Reason != camera.TooLarge || s.Detail != want {
		t.Errorf("stalled by %s: %q, want %s: %q", s.Reason, s.Detail, camera.TooLarge, want)
	}
	if s.Counts.Refused[media.TooLarge] == 0 {
		t.Errorf("refused %v", s.Counts.Refused)
	}
	topic, _ := c.Topic("")
	if f := topic.Newest(); f == nil || !f.Placeholder {
		t.Errorf("the newest picture is %+v, want a placeholder", f)
	}
}

// The topics of one camera share a budget, and all cameras share another.
func TestRingsAreWithinTheBudget(t *testing.T) {
	total := broker.NewBudget(1<<20, nil)
	c := startCamera(t, Options{Camera: options.Camera{Renditions: smallRenditions}, WorkerPath: faultyWorker(t, "none"), Budget: total})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	nextFrame(t, sub, false)
	if held := c.budget.Held(); held == 0 || total.Held() != held {
		t.Errorf("the camera's rings hold %d bytes, and all rings %d", held, total.Held())
	}
}
