package e2e

import (
	"fmt"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// Debian's Chromium decodes no H.265. It gets JPEGs by itself, and H.264 of other cameras as video.
func TestUndecodableCodecFallsBackToJPEG(t *testing.T) {
	t.Parallel()
	h265 := &videoCamera{clip: loadClips(t, numberedClip{Codec: "h265", Frames: 20 * clipRate})}
	h264 := &videoCamera{clip: loadClips(t, numberedClip{Frames: 20 * clipRate})}
	d := startVideoSources(t, []videoSource{{id: "a", camera: h265}, {id: "b", camera: h264}})
	b := openVideoBrowser(t, 1280, 800)
	for _, player := range []string{"webcodecs", "mse"} {
		b.open(d.URL + "/?player=" + player)
		if strings.Contains(b.evaluate(`probe.decodes.join()`), "hvc1") {
			t.Skip("this Chromium decodes H.265")
		}
		waitForStream(b, "a", "preview", "decoder")
		waitForTrack(b, tileOf("a"), "preview JPEG")
		waitForNewPictures(b, tileOf("a"), h265)
		waitForStream(b, "b", "video", "")
		waitForNewPictures(b, tileOf("b"), h264)
	}
	b.open(d.URL + "/cameras/a")
	waitForTrack(b, cameraPage, "main JPEG")
	waitForNewPictures(b, cameraPage, h265)
	b.checkConsole()
}

// isSentAsJPEG is a script that tells whether camera a comes as JPEGs, and why.
const isSentAsJPEG = `(s => s?.codec === 'jpeg' ? 'JPEG ' + s.reason : 'video')(probe.stream('a'))`

// saysSlow returns a script that tells whether a view says that its connection is slow.
func saysSlow(view string) string {
	return fmt.Sprintf(`String(/slow connection/i.test(document.querySelector(%q).textContent))`, view)
}

// slowVideo is a camera with bit rates that are known.
type slowVideo struct {
	*daemon
	main, sub *videoCamera
}

const slowMainRate, slowSubRate = 1_500_000, 400_000 // bit/s

func startSlowVideo(t *testing.T) slowVideo {
	t.Helper()
	load := func(clip numberedClip, rate int) *videoClip {
		clip.Frames, clip.Noisy = 20*clipRate, true
		clip.Encoder = fmt.Sprintf("bitrate=%[1]d:vbv-maxrate=%[1]d:vbv-bufsize=%[1]d", rate/1000)
		return loadClips(t, clip)
	}
	v := slowVideo{main: &videoCamera{clip: load(numberedClip{Size: sizeOfMain}, slowMainRate)}, sub: &videoCamera{clip: load(numberedClip{}, slowSubRate)}}
	v.daemon = startVideoSources(t, []videoSource{{id: "a", camera: v.main, more: ", title: A, substream: '" + v.sub.serve(t) + "'"},
		{id: "b", camera: &videoCamera{clip: loadClips(t, numberedClip{})}, more: ", paused: true"}}) // a camera alone on the dashboard has the view full
	v.waitForCamera("a", "live with both tracks", func(s state) bool { return s.sendsVideo("video") && s.sendsVideo("sub") })
	return v
}

// A viewer whose connection carries less than the video gets the substream, and JPEGs if it carries less than that, too. It gets the video
// again when the connection carries it. No picture is damaged meanwhile.
func TestSlowConnectionGetsLess(t *testing.T) {
	t.Parallel()
	v := startSlowVideo(t)
	for _, player := range []string{"WebCodecs", "MSE"} {
		t.Run(player, func(t *testing.T) {
			link := testpeer.ServeSlowLink(t, v.URL)
			b := openVideoBrowser(t, 1280, 800)
			b.open(link.URL + "/?player=" + strings.ToLower(player))
			waitForTrack(b, tileOf("a"), "sub "+player)
			b.pressKey("1")
			waitForTrack(b, singleView, "video "+player)
			waitForNewPictures(b, singleView, v.main)
			samplePictures(b, singleView)
			checkGetsLess(b, v, link, player)
			if s := endSamples(b); s.Damaged > 0 {
				t.Errorf("%d damaged pictures", s.Damaged)
			}
			b.pressKey("\x1b")
			b.waitForText("", singleViewTitle)
			b.waitForText("JPEG link", isSentAsJPEG)
			b.waitForText("true", saysSlow(tileOf("a")))

			link.SetRate(testpeer.Unlimited)
			waitForStream(b, "a", "sub", "")
			waitForTrack(b, tileOf("a"), "sub "+player)
			waitForNewPictures(b, tileOf("a"), v.sub)
			b.waitForText("false", saysSlow(tileOf("a")))
			b.pressKey("1")
			waitForStream(b, "a", "video", "")
			waitForTrack(b, singleView, "video "+player)
			waitForNewPictures(b, singleView, v.main)
			b.checkConsole()
		})
	}
}

// checkGetsLess slows the link of an open camera down in two steps.
func checkGetsLess(b *browser, v slowVideo, link *testpeer.SlowLink, player string) {
	b.t.Helper()
	link.SetRate(slowMainRate / 8 * 7 / 10)
	waitForStream(b, "a", "sub", "link")
	waitForTrack(b, singleView, "sub "+player)
	waitForNewPictures(b, singleView, v.sub)
	b.waitForText("true", saysSlow(singleView))

	link.SetRate(slowSubRate / 8 * 7 / 10)
	b.waitForText("JPEG link", isSentAsJPEG)
	waitForTrack(b, singleView, "main JPEG")
	waitForNewPictures(b, singleView, v.main)
}
