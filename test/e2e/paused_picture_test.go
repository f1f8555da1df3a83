package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"

	"camd/pkg/source/framenumber"
)

// keptPixels returns a script for yes if an element of a live view other than the shown one still has a picture.
func keptPixels(view string) string {
	return `[...` + view + `.querySelectorAll('.pictures > :not([data-shown])')].some((element) => {
		const [width, height] = [element.videoWidth ?? element.width, element.videoHeight ?? element.height];
		if (!width || !height) return false;
		const context = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
		context.drawImage(element, 0, 0, width, height);
		return context.getImageData(0, 0, width, height).data.some((value, i) => i % 4 < 3 && value > 0);
	}) ? 'yes' : ''`
}

// A camera that is turned off has no picture on any page, not even in an element that is not shown. When it is turned on, its video returns.
func TestTurnedOffCameraLeavesNoPicture(t *testing.T) {
	t.Parallel()
	clip := loadClips(t, numberedClip{})
	d := startVideoSources(t, []videoSource{
		{id: "gate", camera: &videoCamera{clip: clip}, more: ", title: The gate"},
		{id: "yard", camera: &videoCamera{clip: clip}},
	})
	b := openBrowser(t, 1280, 900)
	for _, player := range []string{"webcodecs", "mse"} {
		for page, view := range map[string]string{
			"/?player=" + player:             tileScript("The gate"),
			"/?player=" + player + "#gate":   `document.getElementById('single-view')`,
			"/cameras/gate?player=" + player: `document.getElementById('view')`,
		} {
			b.do(chromedp.Navigate(d.URL + page))
			b.waitForText("video", view+`?.querySelector('.pictures:not([data-placeholder])')?.dataset.track ?? ''`)
			isLive := func() bool {
				img := b.shownPicture(view)
				if img == nil {
					return false
				}
				_, ok := framenumber.Decode(img)
				return ok
			}
			eventually(t, page+" to be live", isLive)
			d.patchCamera("gate", `{"paused": true}`)
			b.waitForText("yes", view+`.querySelector('.pictures[data-placeholder]:not([data-hidden])') ? 'yes' : ''`)
			if isLive() {
				t.Errorf("%s shows a picture of a camera that is turned off", page)
			}
			b.waitForText("", keptPixels(view))
			d.patchCamera("gate", `{"paused": false}`)
			eventually(t, page+" to be live again", isLive)
			b.waitForText("video", view+`.querySelector('.pictures').dataset.track`)
			b.do(chromedp.Navigate("about:blank"))
		}
	}
	b.checkConsole()
}
