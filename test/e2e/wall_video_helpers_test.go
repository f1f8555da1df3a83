package e2e

import (
	"encoding/json"
	"fmt"
	"image"
	"strconv"
	"testing"
)

// Where a page shows a camera, for the probe.
const (
	singleView = "#single-view"
	cameraPage = "#view"
)

func tileOf(camera string) string { return ".tile[data-camera=" + camera + "]" }

// sizeOfMain is the size of the pictures of a videoWall's camera a. Its substream has clipSize.
var sizeOfMain = image.Pt(640, 352)

// videoWall is camd with two cameras: a has a substream, b does not.
type videoWall struct {
	*daemon
	main, sub, plain *videoCamera
	slow             bool // camd has sent JPEGs to a page that was slow
}

// startVideoWall starts camd. more is put in front of the cameras.
func startVideoWall(t testing.TB, more string) *videoWall {
	t.Helper()
	w := &videoWall{
		main:  &videoCamera{clip: loadClips(t, numberedClip{Size: sizeOfMain, Frames: 20 * clipRate})},
		sub:   &videoCamera{clip: loadClips(t, numberedClip{Frames: 20 * clipRate})},
		plain: &videoCamera{clip: loadClips(t, numberedClip{Frames: 20 * clipRate})},
	}
	w.daemon = start(t, options{config: longWriteTimeout + more + fmt.Sprintf("cameras:\n"+
		"  - {id: a, title: A, source: '%s', substream: '%s', stall_timeout: 2m}\n"+
		"  - {id: b, title: B, source: '%s', stall_timeout: 2m}\n", w.main.serve(t), w.sub.serve(t), w.plain.serve(t))})
	w.waitForCamera("a", "live with both tracks", func(s state) bool { return s.sendsVideo("video") && s.sendsVideo("sub") })
	w.waitForCamera("b", "live", func(s state) bool { return s.sendsVideo("video") })
	return w
}

// checkNothingDecoded checks that camd has decoded no video for its pages. A page on a busy machine may acknowledge frames so late that
// camd sends it JPEGs for a while, and has to decode for that. This is not a failure.
func (w *videoWall) checkNothingDecoded(pages ...webPage) {
	w.t.Helper()
	for _, p := range pages {
		w.noteSlow(p)
	}
	if w.slow {
		w.t.Log("a page was too slow for video")
		return
	}
	if pids := w.decoders(); len(pids) > 0 {
		w.t.Errorf("decoders %v run", pids)
	}
	for _, id := range []string{"a", "b"} {
		for _, rendition := range []string{"main", "preview"} {
			if n := w.publishedJPEGs(id, rendition); n > 0 {
				w.t.Errorf("camera %s has %v JPEGs of %s", id, n, rendition)
			}
		}
	}
}

// noteSlow notes whether a page was slow. Call it before the page loads another one.
func (w *videoWall) noteSlow(p webPage) {
	w.slow = p.evaluate(`probe.messages.some(m => m.reason === 'link') ? 'slow' : ''`) != "" || w.slow
}

// waitForTrack waits until a view shows a track with a player, such as "sub WebCodecs".
func waitForTrack(p webPage, view, want string) {
	p.testing().Helper()
	p.waitForText(want, fmt.Sprintf(`probe.track(%q)`, view))
}

// shownPicture returns the number of the picture that a view shows.
func shownPicture(p webPage, view string) (n uint32, ok bool) {
	p.testing().Helper()
	parsed, err := strconv.ParseUint(p.evaluate(fmt.Sprintf(`probe.number(%q)`, view)), 10, 32)
	return uint32(parsed), err == nil
}

// waitForNewPictures waits until a view shows a picture that its camera has sent from now on, and after it a newer one.
func waitForNewPictures(p webPage, view string, camera *videoCamera) {
	p.testing().Helper()
	position := camera.position()
	for range 2 {
		var n uint32
		eventually(p.testing(), fmt.Sprintf("a picture in %s from after frame %d", view, position), func() (ok bool) {
			n, ok = shownPicture(p, view)
			return ok && camera.framesBefore(position, n) < 0
		})
		position -= camera.framesBefore(position, n)
	}
}

// sampledPictures is what the probe has seen in a view.
type sampledPictures struct {
	Samples [][2]float64 // time in milliseconds since 1970, and number
	Damaged int          // pictures without a readable number
}

func samplePictures(p webPage, view string) { p.evaluate(fmt.Sprintf(`probe.sample(%q)`, view)) }

func endSamples(p webPage) (s sampledPictures) {
	p.testing().Helper()
	if err := json.Unmarshal([]byte(p.evaluate(`probe.endSample()`)), &s); err != nil {
		p.testing().Fatal(err)
	}
	return s
}

// waitForSamples waits until the probe has seen n pictures.
func waitForSamples(p webPage, n int) {
	p.testing().Helper()
	p.evaluatePromise(fmt.Sprintf(`probe.samplesReached(%d)`, n))
}

// checkOrder checks that no picture is damaged or older than one before it.
func (s sampledPictures) checkOrder(t testing.TB, what string, camera *videoCamera) {
	t.Helper()
	if s.Damaged > 0 {
		t.Errorf("%s: %d damaged pictures", what, s.Damaged)
	}
	for i := 1; i < len(s.Samples); i++ {
		before, n := s.Samples[i-1][1], s.Samples[i][1]
		if camera.framesBefore(int(before), uint32(n)) >= 0 {
			t.Errorf("%s: picture %v after %v, in %v", what, n, before, s.Samples[max(0, i-5):min(i+5, len(s.Samples))])
		}
	}
}

// checkSmooth checks 50 pictures of a view.
func checkSmooth(p webPage, view string, camera *videoCamera) {
	p.testing().Helper()
	samplePictures(p, view)
	waitForSamples(p, 50)
	endSamples(p).checkOrder(p.testing(), view, camera)
}

// waitForStream waits until camd sends a camera's track for a reason.
func waitForStream(p webPage, camera, track, reason string) {
	p.testing().Helper()
	p.waitForText(track+" "+reason, fmt.Sprintf(`(s => s ? s.track + ' ' + s.reason : 'none')(probe.stream(%q))`, camera))
}
