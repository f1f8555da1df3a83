package capture

import (
	"testing"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// The renditions of a source change while it runs: one is added, another one becomes larger, and a third one is removed.
func TestRenditionsChangeWhileTheSourceRuns(t *testing.T) {
	for name, source := range map[string]string{
		"raw":         "test://?size=640x360&fps=30",
		"passthrough": testpeer.ServeHTTP(t, testpeer.Clip{Codec: "mjpeg", FPS: 30, Size: "640x360"}),
	} {
		t.Run(name, func(t *testing.T) {
			d := startCapture(t, wire.Start{Source: source, Renditions: []camera.Rendition{{Width: 160, Quality: 60}, {Width: 320, Quality: 60}}, Capture: options.Capture{Quality: 90}})
			for number := range uint8(3) {
				d.send(wire.Demand{Rendition: number, Wanted: true})
			}
			last, widths := uint64(0), map[uint8]int{}
			look := func() uint8 {
				f, p := d.frame()
				widths[f.Rendition] = p.Width
				if f.Rendition == 0 {
					if f.Count <= last {
						t.Fatalf("picture %d after %d", f.Count, last)
					}
					last = f.Count
				}
				return f.Rendition
			}
			for widths[0] == 0 || widths[1] != 160 || widths[2] != 320 {
				look()
			}
			d.send(wire.Renditions{Quality: 10, List: []camera.Rendition{{Width: 200, Quality: 60}, {}, {Width: 80, Quality: 60}}})
			d.send(wire.Demand{Rendition: 3, Wanted: true})
			for widths[1] != 200 || widths[3] != 80 { // number 1 is still wanted
				look()
			}
			for range 30 {
				if look() == 2 {
					t.Error("a removed rendition is made")
				}
			}
			d.send(wire.Demand{Rendition: 16, Wanted: true}) // which does not exist
			d.send(wire.Renditions{})
			for range 30 {
				look()
			}
			for range 30 {
				if n := look(); n != 0 {
					t.Errorf("the removed rendition %d is made", n)
				}
			}
		})
	}
}
