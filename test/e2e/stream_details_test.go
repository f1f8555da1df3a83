package e2e

import (
	"fmt"
	"image"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// detailScript returns a script for a value in the stream details.
func detailScript(term string) string {
	return `[...document.querySelectorAll('#stream-details:not([hidden]) dt')].find(t => t.textContent === '` + term + `')?.nextElementSibling.textContent ?? ''`
}

// matchScript returns a script for yes or an empty text: whether the text of another script matches a regular expression.
func matchScript(script, expression string) string {
	return `/` + expression + `/.test(` + script + `) ? 'yes' : ''`
}

// The stream details of an opened camera say what is sent and how it is decoded. They are open only while somebody wants them.
func TestStreamDetailsDescribeStream(t *testing.T) {
	t.Parallel()
	video, sub := twoStreamCamera(t)
	d := startVideoSources(t, []videoSource{{id: "gate", camera: video, more: fmt.Sprintf(", title: The gate, substream: '%s'", sub.serve(t))}})
	d.waitForCamera("gate", "sending video", func(s state) bool { return s.sendsVideo("video") && s.sendsVideo("sub") })
	b := openBrowser(t, 1280, 900)
	for _, page := range []string{"/#gate", "/cameras/gate"} {
		b.do(chromedp.Navigate(d.URL + page))
		b.waitForText("video", `document.querySelector('#view .pictures').dataset.track ?? ''`)
		b.waitForText("true", `document.getElementById('stream-details').hidden + ''`)
		b.press("i")
		b.waitForText("Video", detailScript("Track"))
		b.waitForText("1280 × 704", detailScript("Size"))
		b.waitForText("Best track for this view", detailScript("Reason"))
		for term, expression := range map[string]string{
			"Codec": `^H\.264 \(avc1\.\w{6}\)$`, "Decoder": `^(WebCodecs|MSE)`, "Bit rate": `^\d.* [kM]bit\/s$`, "Frame rate": `^[1-9]\d*\.\d fps$`,
			"Picture age": `^\d.* s$`, "Dropped frames": `^\d+$`,
		} {
			b.waitForText("yes", matchScript(detailScript(term), expression))
		}
		b.waitForText("true", `document.querySelector('[data-action=streamDetails]').getAttribute('aria-expanded')`)
		b.checkAccessibility("the stream details on " + page)
		b.do(chromedp.Click(chromedp.CSS("[data-action=streamDetails]")))
		b.waitForText("true", `document.getElementById('stream-details').hidden + ''`)
		b.do(chromedp.Navigate("about:blank"))
	}
	b.checkConsole()
}

// A page tells why a picture is not the first choice: the tile if the connection is slow, the single view also if the browser cannot decode
// the camera's video.
func TestNoteSaysWhyPictureIsNotFirstChoice(t *testing.T) {
	t.Parallel()
	sub := &videoCamera{clip: loadClips(t, numberedClip{})}
	main := &videoCamera{clip: loadClips(t, numberedClip{Codec: "h265", Size: image.Pt(640, 352)})} // Debian's Chromium does not decode it
	d := startVideoSources(t, []videoSource{
		{id: "gate", camera: main, more: fmt.Sprintf(", title: The gate, substream: '%s'", sub.serve(t))},
		{id: "yard", camera: &videoCamera{clip: sub.clip}},
	})
	b := openBrowser(t, 1280, 900)
	b.do(chromedp.Navigate(d.URL + "/"))
	b.waitForText("sub", tileScript("The gate")+`?.querySelector('.pictures').dataset.track ?? ''`)
	b.waitForText("", tileScript("The gate")+`.querySelector('.note').textContent`)
	b.press("1")
	b.waitForText("This browser cannot decode H.265", `document.querySelector('#single-view .note:not([hidden])')?.textContent ?? ''`)
	b.waitForText("sub", singleViewTrack)
	b.press(kb.Escape)
	b.checkConsole()

	for stream, want := range map[string]string{
		`{track: 'sub', codec: 'avc1.64001e', view: 'full', reason: 'link'}`:    "Slow connection: smaller picture",
		`{track: 'preview', codec: 'jpeg', view: 'grid', reason: 'link'}`:       "Slow connection: one picture per second",
		`{track: 'preview', codec: 'jpeg', view: 'grid', reason: 'decoder'}`:    "",
		`{track: 'main', codec: 'jpeg', view: 'full', reason: 'decoder'}`:       "This browser cannot decode H.265 and H.264",
		`{track: 'sub', codec: 'avc1.64001e', view: 'full', reason: 'decoder'}`: "This browser cannot decode H.265",
		`{track: 'preview', codec: 'jpeg', view: 'grid', reason: 'camera'}`:     "",
		`{track: 'video', codec: 'hvc1.1.6.L90.B0', view: 'full', reason: ''}`:  "",
	} {
		got := b.evaluatePromise(`import('/assets/stream_texts.js').then(({ streamNote }) => streamNote(
			{ tracks: [{ name: 'video', codec: 'h265' }, { name: 'sub', codec: 'h264' }] }, { stream: ` + stream + `, picture: { taken: 0 } }))`)
		if got != want {
			t.Errorf("%s: %q, want %q", stream, got, want)
		}
	}
}
