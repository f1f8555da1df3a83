package v4l2

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

// clip is the video of the loopback devices.
var clip = testpeer.Clip{Codec: "mjpeg", Size: "320x176"}

// feed makes a loopback device a camera with 30 MJPEG pictures a second, until the test ends or the process is killed.
func feed(t testing.TB, device string) *testrun.Process {
	t.Helper()
	p := startProcess(t, nil, "ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", clip.Make(t), "-c:v", "copy", "-f", "v4l2", device)
	testrun.WaitFor(t, device+" to be fed", func() bool {
		if p.HasExited() {
			t.Fatalf("ffmpeg: %s", p.Output.String())
		}
		out, _ := testrun.Run(t, "v4l2-ctl", "-d", device, "-D")
		_, caps, _ := strings.Cut(out, "Device Caps")
		return strings.Contains(caps, "Video Capture")
	})
	return p
}

// The pictures of a camera that sends JPEGs are served byte for byte.
func TestPassthroughIsExact(t *testing.T) {
	feed(t, "/dev/video20")
	d := serve(t, "id: a, source: /dev/video20")
	s := d.waitForState("a", "live")
	if f := s.Format; f.Codec != "mjpeg" || !f.Passthrough || f.Width != 320 || f.Height != 176 || f.Note != "" {
		t.Errorf("format %+v", f)
	}
	file, err := os.ReadFile(clip.Make(t)) // the file has all pictures unchanged
	if err != nil {
		t.Fatal(err)
	}
	different := map[string]bool{}
	v := d.watch("a")
	v.next("twenty pictures of the clip", func(p picture) bool {
		if !bytes.Contains(file, p.jpeg) {
			t.Errorf("a picture of %d bytes is not in the clip", len(p.jpeg))
		}
		different[string(p.jpeg)] = true
		return t.Failed() || len(different) == 20
	})
	if s := d.status("a"); len(s.Counts.Refused)+len(s.Counts.Restarts) > 0 {
		t.Errorf("refused %v, restarts %v", s.Counts.Refused, s.Counts.Restarts)
	}
}

// A camera that sends nothing is stalled, and live again when it sends, on the same viewer connection.
func TestQuietCameraIsStalledUntilItResumes(t *testing.T) {
	writer := feed(t, "/dev/video20")
	d := serve(t, "id: a, source: /dev/video20, stall_timeout: 1s")
	d.waitForState("a", "live")
	v := d.watch("a")
	size := len(v.next("a picture", func(picture) bool { return true }).jpeg)
	writer.Kill()
	d.waitForState("a", "stalled/timeout")
	v.next("the placeholder", func(p picture) bool { return len(p.jpeg) != size })
	feed(t, "/dev/video20")
	s := d.waitForState("a", "live")
	if len(s.Counts.Restarts) > 0 {
		t.Errorf("restarts %v", s.Counts.Restarts)
	}
	file, err := os.ReadFile(clip.Make(t))
	if err != nil {
		t.Fatal(err)
	}
	v.next("a live picture", func(p picture) bool { return bytes.Contains(file, p.jpeg) })
}
