package v4l2

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"camd/internal/testrun"
)

// The status reports the format that the driver chose.
func TestStatusReportsNegotiatedFormat(t *testing.T) {
	cases := []struct {
		ask, codec    string
		width, height int
		fps           float64
		note          string
	}{
		{"size: 800x600", "bgr24", 640, 480, 25, "asked for 800x600, got 640x480"},
		{"size: 1280x720, fps: 30", "bgr24", 1280, 720, 12.5, "asked for 30 fps, got 12.5 fps"},
		{"size: 640x480, fps: 25, format: yuyv", "yuyv", 640, 480, 25, ""},
		{"size: 640x360, fps: 7, format: mjpeg", "bgr24", 640, 360, 10, "asked for mjpeg, got bgr24; asked for 7 fps, got 10 fps"},
	}
	for pair := range slices.Chunk(cases, 2) { // one case for each device
		d := serve(t, "id: a, source: /dev/video0, "+pair[0].ask, "id: b, source: /dev/video1, "+pair[1].ask)
		for i, c := range pair {
			s := d.waitForState(string("ab"[i]), "live")
			if f := s.Format; f.Codec != c.codec || f.Width != c.width || f.Height != c.height || f.FPS != c.fps || f.Note != c.note || f.Passthrough {
				t.Errorf("%s: got %+v, want %+v", c.ask, f, c)
			}
		}
		d.stop()
	}
}

// Pictures of every format have the right colours.
func TestEveryFormatArrivesInItsColours(t *testing.T) {
	snapshot := filepath.Join(t.TempDir(), "snapshot.jpg")
	codec := regexp.MustCompile(`(?m)^codec +(\S+)$`)
	for _, c := range []struct{ format, codec string }{
		{"auto", "bgr24"}, {"yuyv", "yuyv"}, {"uyvy", "uyvy"}, {"yvyu", "yvyu"}, {"nv12", "nv12"}, {"nv21", "nv21"},
		{"yu12", "i420"}, {"yv12", "yv12"}, {"rgb3", "rgb24"}, {"bgr3", "bgr24"}, {"grey", "grey"},
	} {
		out := runOrFail(t, testrun.Program(t, "camd"), "probe", "/dev/video0", "--format", c.format, "--size", "640x360", "--measure", "100ms",
			"--snapshot", snapshot)
		if m := codec.FindStringSubmatch(out); m == nil || m[1] != c.codec {
			t.Errorf("%s: got\n%s", c.format, out)
		}
		b, err := os.ReadFile(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range colours(t, b) {
			if c.format == "grey" { // the luma, which has a narrow range
				if got.R != got.G || got.G != got.B || i == 0 && !near(got, bars[0]) || i == 7 && got.R > 40 {
					t.Errorf("grey, bar %d: got %v", i, got)
				}
			} else if !near(got, bars[i]) {
				t.Errorf("%s, bar %d: got %v, want %v", c.format, i, got, bars[i])
			}
		}
	}
}
