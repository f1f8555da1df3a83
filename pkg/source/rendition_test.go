package source

import (
	"testing"

	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
)

var smallRenditions = []camera.Rendition{{Name: "small", Width: 160, FPS: 5, Quality: 60}}

func TestRenditionIsMadeWhileWatched(t *testing.T) {
	c := startCamera(t, Options{Camera: options.Camera{Renditions: smallRenditions}, WorkerPath: faultyWorker(t, "quiet")})
	c.waitForState(t, camera.Live)
	topic, ok := c.Topic("small")
	if !ok || topic.Newest() != nil || c.Status().Counts.Published["small"] != 0 {
		t.Fatal("the rendition is made although nobody watches")
	}
	sub := topic.Subscribe(broker.Latest)
	nextFrame(t, sub, false)
	if c.Status().Counts.Published["small"] == 0 {
		t.Error("it is not counted")
	}
	sub.Close()
	testrun.WaitFor(t, "the old picture to be gone", func() bool { return topic.Newest() == nil })
}

// A rendition that shows a placeholder although the camera is live is requested again.
func TestMissingRenditionIsRequestedAgain(t *testing.T) {
	c := startCamera(t, Options{Camera: options.Camera{Renditions: smallRenditions}, WorkerPath: faultyWorker(t, "rare")})
	topic, _ := c.Topic("small")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	nextFrame(t, sub, false)
}

func TestRenditionShowsPlaceholderWhileOffline(t *testing.T) {
	rare := camera.Rendition{Name: "rare", FPS: 1, Quality: 60}
	c := startCamera(t, Options{Camera: options.Camera{Renditions: append(smallRenditions[:1:1], rare)}, WorkerPath: faultyWorker(t, "reason")})
	c.waitForState(t, camera.Offline)
	for name, width := range map[string]int{"small": 160, "rare": 320} {
		topic, _ := c.Topic(name)
		sub := topic.Subscribe(broker.Latest)
		defer sub.Close()
		if f := nextFrame(t, sub, true); f.Format.Width != width || f.Format.Height != width*9/16 {
			t.Errorf("the placeholder of %s is %dx%d, want %d wide", name, f.Format.Width, f.Format.Height, width)
		}
	}
}

func TestRenditionOpensCameraOnDemand(t *testing.T) {
	c := startCamera(t, Options{Camera: options.Camera{Renditions: smallRenditions, OnDemand: true}, WorkerPath: faultyWorker(t, "none")})
	c.waitForState(t, camera.Idle)
	topic, _ := c.Topic("small")
	sub := topic.Subscribe(broker.Latest)
	nextFrame(t, sub, true)
	if s := c.Status(); s.Worker.PID == 0 && s.State == camera.Idle {
		c.waitForState(t, camera.Starting)
	}
	sub.Close()
	c.waitForState(t, camera.Idle)
}
