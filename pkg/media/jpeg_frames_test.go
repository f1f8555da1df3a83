package media

import (
	"testing"
	"time"

	"camd/pkg/broker"
)

// A new format is a new configuration for viewers, so it comes only with a new size.
func TestJPEGFramesOfOneSizeShareTheirFormat(t *testing.T) {
	var frames JPEGFrames
	captured := time.Now()
	part, picture := NewPart([]byte("picture"), captured)
	frame := func(width, height int) broker.Frame {
		return frames.Frame(part, Picture{JPEG: picture, Width: width, Height: height}, captured)
	}
	first := frame(640, 360)
	if f := *first.Format; !first.Key || f.Codec != JPEG || f.Width != 640 || f.Height != 360 || &first.Wire[0] != &part[0] || &first.Data[0] != &picture[0] || !first.Captured.Equal(captured) {
		t.Errorf("got %+v, %+v", first, f)
	}
	if frame(640, 360).Format != first.Format {
		t.Error("the same size got another format")
	}
	for _, size := range [][2]int{{640, 480}, {320, 480}} {
		if f := frame(size[0], size[1]).Format; f.Width != size[0] || f.Height != size[1] {
			t.Errorf("got %+v, want %v", f, size)
		}
	}
	if n := testing.AllocsPerRun(100, func() { frame(320, 480) }); n != 0 {
		t.Errorf("%v allocations for a frame of the same size", n)
	}
}
