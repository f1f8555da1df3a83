package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// mixedCameras are cameras of two aspect ratios and one that is offline.
const mixedCameras = longWriteTimeout + `
cameras:
  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=5', stall_timeout: 2m}
  - {id: yard, title: The yard, source: 'test://?size=640x480&fps=5', stall_timeout: 2m}
  - {id: gone, title: Gone, source: /dev/camd-has-no-such-device}
  - {id: hall, title: The hall, source: 'test://?size=320x180&fps=5', stall_timeout: 2m}
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

// On a phone a tile has the whole width, and the page scrolls. The user can choose more columns, and the browser keeps the choice.
func TestPhoneShowsTilesInFullWidth(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: mixedCameras})
	b := openBrowser(t, 390, 844)
	const columns = `document.getElementById('grid').style.getPropertyValue('--columns')`
	b.do(chromedp.Navigate(d.URL + "/"))
	b.waitForText("1", columns)
	b.waitForText("yes", `document.querySelector('.tile')?.offsetWidth >= 355 ? 'yes' : ''`)
	b.waitForText("yes", `(grid => grid.scrollHeight > grid.clientHeight ? 'yes' : '')(document.getElementById('grid'))`)
	b.do(chromedp.Click(chromedp.CSS("[data-action=columns]")))
	b.waitForText("2", columns)
	b.do(chromedp.Reload())
	b.waitForText("2", columns)
	b.waitForText("yes", `(w => w > 170 && w < 195 ? 'yes' : '')(document.querySelector('.tile')?.offsetWidth)`)
	b.checkConsole()
}

// A tablet in portrait has no empty columns beside its tiles.
func TestTabletInPortraitUsesItsWidth(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: mixedCameras})
	b := openBrowser(t, 820, 1180)
	b.do(chromedp.Navigate(d.URL + "/"))
	for _, title := range []string{"The gate", "The yard", "Gone", "The hall"} {
		eventually(t, title, func() bool { return b.picture(title) != nil })
	}
	b.waitForText("yes", `Math.max(...[...document.querySelectorAll('.tile')].map(t => t.getBoundingClientRect().right)) > 790 ? 'yes' : ''`)
	b.checkConsole()
}

// Each button is at least 44 pixels wide and high.
func TestButtonsAreLargeEnoughForFingers(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: mixedCameras})
	d.waitForState("gate", "live")
	const small = `[...document.querySelectorAll('button, .button, select')].map(e => [e, e.getBoundingClientRect()])
		.filter(([, r]) => r.width && (r.width < 44 || r.height < 44)).map(([e, r]) => e.outerHTML.slice(0, 80) + ' ' + r.width + 'x' + r.height).join('; ')`
	for _, width := range []int{390, 1366} {
		b := openBrowser(t, width, 844)
		b.do(chromedp.Navigate(d.URL + "/"))
		b.waitForText("4", `document.querySelectorAll('.tile').length + ''`)
		b.waitForText("", small)
		b.press("1")
		b.waitForText("The gate", singleViewTitle)
		b.waitForText("", small)
		b.do(chromedp.Navigate(d.URL + "/cameras/gate"))
		b.waitForText("Live", pageState)
		b.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll('#snippets details').forEach(e => { e.open = true; })`))
		b.waitForText("", small)
		b.checkConsole()
	}
}

// A click anywhere on a tile opens its camera: on its name and on its reason, too.
func TestWholeTileOpensCamera(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: mixedCameras})
	d.waitForState("gone", "offline")
	b := openBrowser(t, 1366, 768)
	for _, part := range []string{".pictures", ".problem", "footer"} {
		b.do(chromedp.Navigate(d.URL + "/"))
		eventually(t, "the placeholder", func() bool { return b.picture("Gone") != nil })
		b.do(chromedp.Click(chromedp.CSS("[data-camera=gone] " + part)))
		b.waitForText("Gone", singleViewTitle)
		b.do(chromedp.Navigate("about:blank"))
	}
	b.checkConsole()
}

// The figures of a tile count the viewers other than the page itself.
func TestTileDoesNotCountItsOwnPage(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: mixedCameras})
	b := openBrowser(t, 1366, 768)
	viewers := tileScript("The gate") + `?.querySelector('.figures .viewers')?.textContent ?? 'none'`
	b.do(chromedp.Navigate(d.URL + "/"))
	waitForMotion(t, b, "The gate")
	d.waitForCamera("gate", "watched by the page", func(s state) bool { return s.Viewers == 1 })
	b.do(chromedp.Evaluate[chromedp.Void](`(original => {
		window.lists = 0;
		window.fetch = async (path, ...rest) => {
			const answer = await original(path, ...rest);
			window.lists += path === '/api/v1/cameras';
			return answer;
		};
	})(window.fetch)`))
	b.waitForText("yes", `window.lists >= 2 ? 'yes' : ''`) // the page has shown the first of them
	b.waitForText("none", viewers)
	watch(t, d.URL+"/cameras/gate/stream.mjpg")
	b.waitForText("1 viewer", viewers)
	b.press("1")
	b.waitForText("1 viewer", `document.querySelector('#single-view .viewers')?.textContent ?? 'none'`)
	b.checkConsole()
}
