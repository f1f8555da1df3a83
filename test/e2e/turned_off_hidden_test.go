package e2e

import (
	"strings"
	"testing"
)

// picturesOf returns a script for the sizes of all pictures that the elements of a view have, also of those that are not shown.
func picturesOf(view string) string {
	return `(() => [...document.querySelectorAll('` + view + ` :is(canvas, video)')].flatMap((element) => {
		const [width, height] = [element.videoWidth ?? element.width, element.videoHeight ?? element.height];
		if (!width || !height) return [];
		const context = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
		context.drawImage(element, 0, 0, width, height);
		return context.getImageData(0, 0, width, height).data.some((value, i) => i % 4 < 3 && value > 0) ? [width + 'x' + height] : [];
	}).join())()`
}

// A hidden page keeps no picture of a camera that is turned off meanwhile, so it shows none when it is shown again.
func TestTurnedOffCameraIsClearedOnHiddenPages(t *testing.T) {
	t.Parallel()
	w := startVideoWall(t, "")
	for _, player := range []string{"WebCodecs", "MSE", "JPEG"} {
		t.Run(player, func(t *testing.T) {
			b := openVideoBrowser(t, 800, 600)
			b.open(w.URL + "/?player=" + strings.ToLower(player))
			waitForNewPictures(b, tileOf("a"), w.sub)
			waitForNewPictures(b, tileOf("b"), w.plain)
			b.hide()
			w.waitForCamera("a", "without viewers", func(s state) bool { return s.Viewers == 0 })
			if b.evaluate(picturesOf(tileOf("a"))) == "" {
				t.Error("a hidden page has no last picture")
			}
			w.patchCamera("a", `{"paused": true}`)
			b.waitForText("", picturesOf(tileOf("a")))
			if b.evaluate(picturesOf(tileOf("b"))) == "" {
				t.Error("the picture of another camera is gone")
			}
			b.show()
			b.waitForText("placeholder", `document.querySelector('`+tileOf("a")+` [data-placeholder]') ? 'placeholder' : ''`)
			w.patchCamera("a", `{"paused": false}`)
			waitForNewPictures(b, tileOf("a"), w.sub)
			b.checkConsole()
		})
	}
}
