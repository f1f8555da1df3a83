package source

import (
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

var small = []camera.Rendition{{Name: "small", Width: 160, FPS: 5, Quality: 60}}

func TestRenditionIsMadeWhileWatched(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "quiet"), Renditions: small})
	c.reaches(t, camera.Live)
	topic, ok := c.Topic("small")
	if !ok || topic.Newest() != nil || c.Status().Counts.Published["small"] != 0 {
		t.Fatal("it is made though nobody watches")
	}
	sub := topic.Subscribe(broker.Latest)
	next(t, sub, false)
	if c.Status().Counts.Published["small"] == 0 {
		t.Error("it is not counted")
	}
	sub.Close()
	for deadline := time.Now().Add(30 * time.Second); topic.Newest() != nil; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("an old picture waits for the next viewer")
		}
	}
}

// What shows a placeholder although the camera is live is asked for anew.
func TestRenditionIsAskedForAnew(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "rare"), Renditions: small})
	topic, _ := c.Topic("small")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	next(t, sub, false)
}

func TestRenditionShowsTrouble(t *testing.T) {
	rare := camera.Rendition{Name: "rare", FPS: 1, Quality: 60}
	c := start(t, Options{Worker: faulty(t, "reason"), Renditions: append(small[:1:1], rare)})
	c.reaches(t, camera.Offline)
	for name, width := range map[string]int{"small": 160, "rare": 320} {
		topic, _ := c.Topic(name)
		sub := topic.Subscribe(broker.Latest)
		defer sub.Close()
		if f := next(t, sub, true); f.Width != width || f.Height != width*9/16 {
			t.Errorf("the placeholder of %s is %dx%d, want %d wide", name, f.Width, f.Height, width)
		}
	}
}

func TestRenditionOpensCameraOnDemand(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "none"), Renditions: small, OnDemand: true})
	c.reaches(t, camera.Idle)
	topic, _ := c.Topic("small")
	sub := topic.Subscribe(broker.Latest)
	next(t, sub, true)
	if s := c.Status(); s.Worker.PID == 0 && s.State == camera.Idle {
		c.reaches(t, camera.Starting)
	}
	sub.Close()
	c.reaches(t, camera.Idle)
}
