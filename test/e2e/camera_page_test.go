package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"camd/pkg/source/framenumber"
)

const pageState = `document.querySelector('.top .state').textContent`

// On the camera page the picture moves, the status is right, the addresses can be fetched and the switch works.
func TestCameraPageShowsPictureStateAndAddresses(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n" +
		"  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n" +
		"  - {id: gone, title: Gone, source: /dev/camd-has-no-such-device}\n"})
	d.waitForState("gate", "live")
	b := openBrowser(t, 1280, 900)
	b.do(chromedp.Navigate(d.URL + "/cameras/gate"))
	b.waitForText("Live", pageState)
	b.waitForText("The gate – camd", `document.title`)
	first, seen := uint32(0), 0
	eventually(t, "the picture to move", func() bool {
		img := b.shownPicture(`document.getElementById('view')`)
		if img == nil {
			return false
		}
		n, ok := framenumber.Decode(img)
		if ok && n > first {
			first, seen = n, seen+1
		}
		return seen >= 3
	})
	b.waitForText("320 × 180", factScript("Resolution"))
	b.waitForText("test://?size=320x180&fps=15", factScript("Source"))
	b.waitForText("yes", `/^\d+ % of one core$/.test(`+factScript("CPU")+`) ? 'yes' : ''`)
	b.waitForText("1", factScript("Viewers"))
	b.waitForText("Viewers: 1", `document.getElementById('viewers-title').textContent`)
	b.waitForText("Starting,Live", `[...document.querySelectorAll('#history .state')].map(s => s.textContent).reverse().join()`)
	b.waitForText("3", `[...document.querySelectorAll('#graph canvas')].filter(c =>
		c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0)).length + ''`)
	addresses := strings.Fields(b.evaluate(`[...document.querySelectorAll('#addresses code')].map(c => c.textContent).join(' ')`))
	if len(addresses) != 4 {
		t.Errorf("addresses %q", addresses)
	}
	for _, address := range addresses {
		if r, err := http.Head(address); err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("%s: %v, %v", address, r, err)
		}
	}
	if snippets := b.evaluate(`document.getElementById('snippets').textContent`); !strings.Contains(snippets, d.URL+"/cameras/gate/stream.mjpg") {
		t.Errorf("snippets %q", snippets)
	}

	b.press("p")
	b.waitForText("Turned off", pageState)
	d.waitForState("gate", "paused")
	b.waitForText("", `document.querySelector('#view .pictures').dataset.placeholder ?? 'no'`)
	b.waitForText("Turn on", `document.querySelector('[data-action=pause]').textContent`)
	b.do(chromedp.Click(chromedp.CSS("[data-action=pause]")))
	b.waitForText("Live", pageState)
	b.do(chromedp.Click(chromedp.CSS("[data-action=pause]")))
	b.waitForText("Turned off", pageState)
	b.do(chromedp.Click(chromedp.CSS("#toast button")))
	b.waitForText("Live", pageState)
	b.waitForText("", `document.querySelector('#toast:popover-open button')?.textContent ?? ''`)
	b.checkConsole()

	b.do(chromedp.Navigate(d.URL + "/cameras/gone"))
	b.waitForText("Offline", pageState)
	if why := b.evaluate(`document.querySelector('.problem').textContent`); !strings.HasPrefix(why, "The device or file does not exist: ") {
		t.Errorf("why: %q", why)
	}
}

// The dashboard turns a camera off for everyone, and undoes that. Other pages show it and stay connected.
func TestPausedCameraIsOffOnAllPages(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n" +
		"  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n" +
		"  - {id: yard, title: The yard, source: 'test://?size=320x180&fps=15'}\n"})
	mine, theirs := openBrowser(t, 1280, 800), openBrowser(t, 640, 400)
	for _, b := range []*browser{mine, theirs} {
		b.do(chromedp.Navigate(d.URL + "/"))
		waitForMotion(t, b, "The gate")
		waitForMotion(t, b, "The yard")
	}
	mine.press("1")
	mine.waitForText("The gate", singleViewTitle)
	mine.press("p")
	mine.waitForText("true", `document.querySelector('[data-action=pause]').getAttribute('aria-pressed')`)
	mine.press(kb.Escape)
	for _, b := range []*browser{mine, theirs} {
		b.waitForText("Turned off", tileScript("The gate")+`.querySelector('.state').textContent`)
		b.waitForText("", tileScript("The gate")+`.querySelector('.pictures').dataset.placeholder ?? 'no'`)
		waitForMotion(t, b, "The yard")
	}
	if pid := d.camera("gate").Worker.PID; pid != 0 {
		t.Errorf("a camera that is turned off has process %d", pid)
	}
	// The message outlasts the single view, and undoes the change. It is shown for 15 seconds, so this is a second change.
	mine.press("1")
	mine.waitForText("true", `String(document.getElementById('single-view').open)`) // before, the key does nothing
	for _, pressed := range []string{"false", "true"} {
		mine.press("p")
		mine.waitForText(pressed, `document.querySelector('[data-action=pause]').getAttribute('aria-pressed')`)
	}
	mine.press(kb.Escape)
	mine.waitForText("Undo", `document.querySelector('#toast:popover-open button')?.textContent ?? ''`)
	mine.do(chromedp.Click(chromedp.CSS("#toast button")))
	for _, b := range []*browser{mine, theirs} {
		waitForMotion(t, b, "The gate")
		b.checkConsole()
	}
}

// factScript returns a script for a value in the status table of the page.
func factScript(term string) string {
	return `[...document.querySelectorAll('#status dt')].find(t => t.textContent === '` + term + `')?.nextElementSibling.textContent ?? ''`
}

// The graphs have the colours of the chosen theme, whatever the system's is.
func TestGraphsHaveColoursOfChosenTheme(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=5'}\n"})
	d.waitForState("gate", "live")
	b := openBrowser(t, 1280, 900)
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}},
	}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(d.URL + "/"))
	for _, theme := range []string{"light", "dark"} {
		b.do(chromedp.Click(chromedp.CSS("[data-action=theme]")))
		b.waitForText(theme, `document.documentElement.dataset.theme ?? ''`)
	}
	b.do(chromedp.Navigate(d.URL + "/cameras/gate"))
	b.waitForText("Live", pageState)
	// The grid has the colour of borders, which is light in the light theme.
	b.waitForText("yes", `(() => {
		const canvas = document.querySelector('#graph canvas');
		const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
		let light = 0, dark = 0;
		for (let i = 0; i < data.length; i += 4) {
			if (data[i + 3] < 255) continue;
			if (data[i] === 0xcc && data[i + 1] === 0xd4 && data[i + 2] === 0xde) light++;
			if (data[i] === 0x2d && data[i + 1] === 0x36 && data[i + 2] === 0x43) dark++;
		}
		return dark > 0 && light === 0 ? 'yes' : '';
	})()`)
	b.checkConsole()
}

// The time axis has texts that can be told apart: minutes, or seconds on a short axis.
func TestGraphAxisHasDistinctTimes(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=5'}\n"})
	b := openBrowser(t, 1280, 900)
	b.do(chromedp.Navigate(d.URL + "/cameras/gate"))
	b.waitForText("Live", pageState)
	for times, want := range map[string]string{"[0, 120, 240]": "05:00,05:02,05:04", "[30, 60, 90, 120]": "05:00:30,05:01:00,05:01:30,05:02:00"} {
		got := b.evaluatePromise(`import('/assets/graph.js').then(({timeTexts}) => {
			const start = new Date(2026, 10, 30, 5, 0, 0).getTime() / 1000;
			return timeTexts(null, ` + times + `.map(s => start + s)).join();
		})`)
		if got != want {
			t.Errorf("%s: %s, want %s", times, got, want)
		}
	}
	b.checkConsole()
}

// The page leads to the cameras before and after it, in the order of the dashboard.
func TestCameraPageLeadsToItsNeighbours(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: mixedCameras})
	b := openBrowser(t, 820, 1180)
	const title = `document.getElementById('title')?.textContent ?? ''`
	b.do(chromedp.Navigate(d.URL + "/cameras/gate"))
	b.waitForText("/cameras/hall /cameras/yard", `[...document.querySelectorAll('#previous[href], #next[href]')].map(a => a.getAttribute('href')).join(' ')`)
	b.do(chromedp.Click(chromedp.CSS("#next")))
	b.waitForText("The yard", title)
	b.waitForText("/cameras/gone", `document.getElementById('next')?.getAttribute('href') ?? ''`)
	b.press(kb.ArrowRight)
	b.waitForText("Gone", title)
	b.waitForText("/cameras/yard", `document.getElementById('previous')?.getAttribute('href') ?? ''`)
	b.press(kb.ArrowLeft)
	b.waitForText("The yard", title)
	b.checkConsole()
}
