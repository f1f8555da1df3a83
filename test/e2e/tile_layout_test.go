package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// mixedCameras are cameras of two aspect ratios and one that is offline.
const mixedCameras = `
cameras:
  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=5'}
  - {id: yard, title: The yard, source: 'test://?size=640x480&fps=5'}
  - {id: gone, title: Gone, source: /dev/camd-has-no-such-device}
  - {id: hall, title: The hall, source: 'test://?size=320x180&fps=5'}
`

// All tiles have one height, whatever the aspect ratios of their cameras. The reason stands directly above the name of its camera.
func TestTilesOfMixedAspectRatiosHaveOneHeight(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: mixedCameras})
	d.waitForState("gone", "offline")
	for _, id := range []string{"gate", "yard", "hall"} {
		d.waitForState(id, "live")
	}
	for _, size := range [][2]int{{1366, 768}, {820, 1180}, {390, 844}} {
		b := openBrowser(t, size[0], size[1])
		b.do(chromedp.Navigate(d.URL + "/"))
		for _, title := range []string{"The gate", "The yard", "Gone"} {
			eventually(t, title, func() bool { return b.picture(title) != nil })
		}
		b.waitForText("1", `new Set([...document.querySelectorAll('.tile')].map(t => Math.round(t.offsetHeight))).size + ''`)
		b.waitForText("0", `(t => Math.round(t.querySelector('.problem').getBoundingClientRect().bottom - t.querySelector('footer').getBoundingClientRect().top) + '')(`+
			tileScript("Gone")+`)`)
		b.checkConsole()
	}
}
