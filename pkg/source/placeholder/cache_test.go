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
	if first.Format.Width != 320 || first.Format.Height != 180 || !first.Placeholder || !first.Captured.Equal(begin) {
		t.Errorf("got %dx%d, placeholder %v, captured at %v", first.Format.Width, first.Format.Height, first.Placeholder, first.Captured)
	}
	o.State, o.Width = camera.Paused, 100
	second := c.Frame(o, begin.Add(time.Second))
	if string(second.Data) != string(first.Data) || second.Format.Width != first.Format.Width || !second.Captured.Equal(begin.Add(time.Second)) {
		t.Error("a second frame differs in more than its time")
	}
	c = Cache{}
	if third := c.Frame(o, begin); string(third.Data) == string(first.Data) || third.Format.Width != 100 {
		t.Error("an empty cache does not draw again")
	}
}
