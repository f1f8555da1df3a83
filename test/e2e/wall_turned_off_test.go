package e2e

import (
	"testing"
)

// Nobody sees a picture of a camera that is turned off, on any page and with any player, also none from before. When it is turned on, all
// pages show it again.
func TestTurnedOffCameraIsClearedOnAllPages(t *testing.T) {
	t.Parallel()
	w := startVideoWall(t, "")
	pages := map[string]webPage{}
	for _, query := range []string{"?player=webcodecs", "?player=mse"} {
		pages["tile "+query] = openOn(openVideoBrowser(t, 800, 600), w.URL+"/"+query)
		pages["single view "+query] = openOn(openVideoBrowser(t, 800, 600), w.URL+"/"+query+"#a")
		pages["camera page "+query] = openOn(openVideoBrowser(t, 800, 600), w.URL+"/cameras/a"+query)
	}
	pages["tile in Firefox"] = openOn(openVideoFirefox(t, 800, 600), w.URL+"/")
	waitForAll := func() {
		t.Helper()
		for name, p := range pages {
			view, camera := tileOf("a"), w.sub
			switch name[0] {
			case 's':
				view, camera = singleView, w.main
			case 'c':
				view, camera = cameraPage, w.main
			}
			waitForNewPictures(p, view, camera)
		}
	}
	waitForAll()
	w.patchCamera("a", `{"paused": true}`)
	for name, p := range pages {
		p.waitForText("true", `String(probe.messages.some(m => m.type === 'clear' && m.camera === 'a'))`)
		eventually(t, name+" without the picture", func() bool { return p.evaluate(visibleOf("a")) == "" })
	}
	w.plain.waitForFrames(t, 2*clipRate) // nothing of the camera follows
	for name, p := range pages {
		if n := p.evaluate(visibleOf("a")); n != "" {
			t.Errorf("%s shows picture %s of a camera that is turned off", name, n)
		}
		p.waitForText("placeholder", `document.querySelector('[data-placeholder]') ? 'placeholder' : ''`)
	}
	w.patchCamera("a", `{"paused": false}`)
	waitForAll()
	for _, p := range pages {
		p.checkConsole()
	}
}

// openOn opens a page in a browser.
func openOn(p webPage, url string) webPage {
	p.testing().Helper()
	p.open(url)
	return p
}

// visibleOf returns a script for the numbers of the pictures that the page shows, other than in the tiles of other cameras.
func visibleOf(camera string) string { return `probe.visibleNumbers('` + camera + `')` }
