package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"camd/pkg/source/framenumber"
)

// An opened camera shows the picture of its tile until it has one of its main stream. The tile shows the sub-stream again afterwards.
func TestOpenedCameraShowsPictureOfTileFirst(t *testing.T) {
	t.Parallel()
	video, sub := twoStreamCamera(t)
	d := startVideoSources(t, []videoSource{
		{id: "gate", camera: video, more: fmt.Sprintf(", title: The gate, substream: '%s'", sub.serve(t))},
		{id: "yard", camera: &videoCamera{clip: sub.clip}}, // with one camera, the tile has the main stream too
	})
	d.waitForCamera("gate", "sending video", func(s state) bool { return s.sendsVideo("video") && s.sendsVideo("sub") })
	b := openBrowser(t, 1280, 800)
	for _, player := range []string{"webcodecs", "mse", "jpeg"} {
		b.do(chromedp.Navigate(d.URL + "/?player=" + player))
		tileTrack := tileScript("The gate") + `?.querySelector('.pictures:not([data-placeholder])')?.dataset.track ?? ''`
		grid, full := "sub", "video"
		if player == "jpeg" {
			grid, full = "preview", "main"
		}
		b.waitForText(grid, tileTrack)
		// This listener is called after the page's own, and before anything else happens.
		b.do(chromedp.Evaluate[chromedp.Void](`addEventListener('hashchange', () => { window.first ??= ` + shownPictureScript(`document.getElementById('single-view')`) + `; })`))
		b.press("1")
		b.waitForText("yes", `window.first === undefined ? '' : 'yes'`)
		img := b.image(`window.first`)
		if img == nil {
			t.Fatalf("%s: the opened camera shows nothing at first", player)
		}
		if n, ok := framenumber.Decode(img); !ok || n < firstOfSubstream {
			t.Errorf("%s: the opened camera shows picture %d (%v) at first, want one of the sub-stream", player, n, ok)
		}
		b.waitForText(full, singleViewTrack)
		eventually(t, "a picture of the main stream", func() bool {
			img := b.shownPicture(`document.getElementById('single-view')`)
			if img == nil {
				return false
			}
			n, ok := framenumber.Decode(img)
			return ok && n < firstOfSubstream && img.Bounds().Dx() == 1280
		})
		b.waitForText("1", `performance.getEntriesByName('camd.open').length + ''`)
		b.press(kb.Escape)
		b.waitForText(grid, tileTrack)
	}
	b.checkConsole()
}
