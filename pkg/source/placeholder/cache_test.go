package placeholder

import (
	"testing"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
)

func TestCacheDrawsOnce(t *testing.T) {
	var c Cache
	o := Options{Width: 640, Height: 360, Limits: media.Limits{Pixels: 320 * 180}, Title: "Yard", State: camera.Offline}
	begin := time.Now()
	first := c.Frame(o, begin)
	if first.Width != 320 || first.Height != 180 || !first.Placeholder || !first.Captured.Equal(begin) {
		t.Errorf("got %dx%d, placeholder %v, captured at %v", first.Width, first.Height, first.Placeholder, first.Captured)
	}
	o.State, o.Width = camera.Paused, 100
	second := c.Frame(o, begin.Add(time.Second))
	if string(second.JPEG) != string(first.JPEG) || second.Width != first.Width || !second.Captured.Equal(begin.Add(time.Second)) {
		t.Error("a second frame differs in more than its time")
	}
	c = Cache{}
	if third := c.Frame(o, begin); string(third.JPEG) == string(first.JPEG) || third.Width != 100 {
		t.Error("an empty cache does not draw again")
	}
}
