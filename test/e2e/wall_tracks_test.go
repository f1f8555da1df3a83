package e2e

import (
	"bytes"
	"fmt"
	"image"
	"testing"
)

// wallRecording is the video of one track that a client of a wall has got.
type wallRecording struct {
	size   image.Point
	file   bytes.Buffer
	frames []*wallFrame
}

func (r *wallRecording) add(f *wallFrame) {
	r.file.Write(f.annexB())
	r.frames = append(r.frames, f)
}

// numbers decodes all frames with ffmpeg, which stops at any error, and returns their numbers.
func (r *wallRecording) numbers(t testing.TB) []uint32 {
	t.Helper()
	return decodeVideo(t, bytes.NewReader(r.file.Bytes()), r.size, "-f", "h264", "-i", "pipe:0").read(len(r.frames))
}

// record reads n frames of one stream of a camera's track. Each can be decoded, and the numbers of its pictures follow the numbers of the frames.
func (w *wallClient) record(camera, track string, size image.Point, n, loop int) {
	w.t.Helper()
	r := &wallRecording{size: size}
	w.until(fmt.Sprintf("%d frames of %s's track %s", n, camera, track), func(e wallEvent) bool {
		f := e.frame
		if f == nil || f.Camera != camera || f.Track != track {
			return false
		}
		if len(r.frames) > 0 && r.frames[0].wallStream != f.wallStream { // a new stream begins with a keyframe that may have come before
			r = &wallRecording{size: size}
		}
		if f.isKey || len(r.frames) > 0 {
			r.add(f)
		}
		return len(r.frames) == n
	})
	numbers := r.numbers(w.t)
	for i, missing := range gaps(numbers, loop) {
		if want := int(r.frames[i+1].seq - r.frames[i].seq - 1); missing != want%loop {
			w.t.Errorf("picture %d follows %d, but frame %d follows %d", numbers[i+1], numbers[i], r.frames[i+1].seq, r.frames[i].seq)
		}
	}
}

// untilReason reads until a camera has a stream of a track, and returns it.
func (w *wallClient) untilReason(camera, track string) (s *wallStream) {
	w.t.Helper()
	w.until(camera+"'s stream of "+track, func(e wallEvent) bool {
		s = e.stream
		return s != nil && s.Camera == camera && s.Track == track
	})
	return s
}

var (
	largeSize = image.Pt(1280, 704)
	smallSize = image.Pt(640, 352)
)

// startWallCameras starts camd with a camera that has a substream, a, and one without, b.
func startWallCameras(t *testing.T, more string) (d *daemon, video, sub *videoCamera) {
	t.Helper()
	video, sub = twoStreamCamera(t)
	other := &videoCamera{clip: video.clip}
	d = start(t, options{config: longWriteTimeout + more + fmt.Sprintf("cameras:\n  - {id: a, source: '%s', substream: '%s', stall_timeout: 2m}\n"+
		"  - {id: b, source: '%s', stall_timeout: 2m}\n", video.serve(t), sub.serve(t), other.serve(t))})
	return d, video, sub
}

// A wall sends the small track of each camera for a grid, the full one for an opened camera, and decodes nothing for that. A client that
// decodes no video gets JPEGs.
func TestWallSendsVideoOfCameras(t *testing.T) {
	t.Parallel()
	d, video, sub := startWallCameras(t, "")
	d.waitForCamera("a", "live with its substream", func(s state) bool { return s.State == "live" && s.sendsVideo("sub") })
	loop := video.loopLength()
	wall := d.dialWall(t, wallOptions{cameras: []string{"a", "b"}, decodes: []string{highH264}})
	wall.record("a", "sub", smallSize, 30, loop)
	wall.record("b", "video", largeSize, 30, loop)
	wall.subscribe("a", "full")
	wall.record("a", "video", largeSize, 60, loop)
	for series, want := range map[string]float64{`camera="a",rendition="video"`: 1, `camera="a",rendition="sub"`: 0, `camera="b",rendition="video"`: 1} {
		if n := d.metric(`camd_viewers{` + series + `,transport="websocket"}`); n != want {
			t.Errorf("%v viewers of %s, want %v", n, series, want)
		}
	}

	sub.turnOff()
	d.waitForCamera("a", "without its substream", func(s state) bool { return !s.sendsVideo("sub") })
	wall.subscribe("a", "grid")
	wall.record("a", "video", largeSize, 30, loop)
	sub.turnOn()
	wall.record("a", "sub", smallSize, 30, loop)

	wall.request(map[string]any{"type": "pause"})
	wall.request(map[string]any{"type": "resume"})
	wall.untilReason("b", "video")
	wall.record("b", "video", largeSize, 30, loop)
	if pids := d.decoders(); len(pids) != 0 && !wall.wasSlow() {
		t.Errorf("decoders %v run", pids)
	}

	pictures := d.dialWall(t, wallOptions{cameras: []string{"a"}})
	if s := pictures.untilReason("a", "preview"); s.Reason != "decoder" || s.Codec != "jpeg" {
		t.Errorf("got %+v", s)
	}
	pictures.untilStream("a", "preview")
	pictures.subscribe("a", "full")
	pictures.untilStream("a", "main")
	pictures.request(map[string]any{"type": "hello", "decodes": []string{highH264}})
	pictures.record("a", "video", largeSize, 30, loop)
}

// A client that fails to decode a track gets another one, and the track again after a new hello.
func TestWallChangesTrackThatClientCannotDecode(t *testing.T) {
	t.Parallel()
	d, _, _ := startWallCameras(t, "")
	wall := d.dialWall(t, wallOptions{cameras: []string{"a"}, view: "full", decodes: []string{highH264}})
	for _, next := range []string{"sub", "main"} {
		s := wall.untilFrame("a").wallStream
		wall.request(map[string]any{"type": "failed", "stream": s.Stream})
		if s := wall.untilReason("a", next); s.Reason != "decoder" {
			t.Errorf("got %+v", s)
		}
	}
	wall.request(map[string]any{"type": "hello", "decodes": []string{highH264}})
	if s := wall.untilReason("a", "video"); s.Reason != "" {
		t.Errorf("got %+v", s)
	}
	wall.untilStream("a", "video")
}

// A camera that is turned off is cleared at once. Then the client gets the placeholder, and the video again when it is turned on.
func TestWallClearsCameraThatIsTurnedOff(t *testing.T) {
	t.Parallel()
	d, _, _ := startWallCameras(t, "")
	wall := d.dialWall(t, wallOptions{cameras: []string{"a", "b"}, decodes: []string{highH264}})
	wall.untilStream("b", "video")
	wall.untilStream("a", "sub")
	d.patchCamera("a", `{"paused": true}`)
	wall.until("clear", func(e wallEvent) bool { return e.text != nil && e.text.Type == "clear" && e.text.Camera == "a" })
	wall.until("the placeholder", func(e wallEvent) bool {
		if e.frame != nil && e.frame.Camera == "a" && !e.frame.isPlaceholder {
			t.Fatalf("a frame of track %s after clear", e.frame.Track)
		}
		return e.frame != nil && e.frame.Camera == "a"
	})
	d.patchCamera("a", `{"paused": false}`)
	wall.untilStream("a", "sub")
}

// untilFrame reads until a camera has a frame.
func (w *wallClient) untilFrame(camera string) (f *wallFrame) {
	w.t.Helper()
	w.until("a frame of "+camera, func(e wallEvent) bool { f = e.frame; return f != nil && f.Camera == camera })
	return f
}
