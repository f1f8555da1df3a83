package e2e

import (
	"fmt"
	"image"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"camd/internal/testpeer"
	"camd/pkg/source/framenumber"
)

// The dashboard shows every camera: pictures of live ones move, and failed ones have their reason.
func TestDashboardShowsLiveAndFailedCameras(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: `
cameras:
  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}
  - {id: clip, title: A clip, source: ` + mjpegClip.Make(t) + `}
  - {id: gone, title: <b>Gone</b>, source: /dev/camd-has-no-such-device}
`})
	d.waitForState("gone", "offline")
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	eventually(t, "two of three cameras live", func() bool {
		return b.evaluate(`document.getElementById('summary').textContent`) == "2 of 3 cameras live"
	})
	if got := b.evaluate(`document.querySelectorAll('.tile').length + ' ' + document.title`); got != "3 camd" {
		t.Errorf("tiles and title: %s", got)
	}

	waitForMotion(t, b, "The gate")
	var before image.Image
	eventually(t, "the clip to move", func() bool {
		now := b.picture("A clip")
		moved := before != nil && now != nil && imagesDiffer(before, now)
		before = now
		return moved
	})

	why := b.evaluate(tileScript("<b>Gone</b>") + `.querySelector('.problem').title`)
	if want := "The device or file does not exist: /dev/camd-has-no-such-device does not exist: run camd devices to list the cameras (since "; !strings.HasPrefix(why, want) {
		t.Errorf("the offline tile says %q, want %q", why, want)
	}
	if !regexp.MustCompile(` \(since \d\d:\d\d:\d\d, \d+ [A-Z][a-z]+\)$`).MatchString(why) {
		t.Errorf("the offline tile says %q, want a time as on the placeholder", why)
	}
	if state := b.evaluate(tileScript("<b>Gone</b>") + `.querySelector('.state').textContent`); state != "Offline" {
		t.Errorf("the offline tile is %q", state)
	}
	eventually(t, "the placeholder", func() bool { return b.picture("<b>Gone</b>") != nil })
	// The placeholder says the rest.
	b.waitForText("/dev/camd-has-no-such-device does not exist: run camd devices to list the cameras", tileScript("<b>Gone</b>")+`.querySelector('.problem').textContent`)
	if figures := b.evaluate(tileScript("The gate") + `.querySelector('.figures').textContent`); !strings.Contains(figures, "320×180") || !strings.Contains(figures, "fps") {
		t.Errorf("figures %q", figures)
	}
	b.checkConsole()
}

// A browser opens at most six connections to a host. All sixteen cameras share one.
func TestDashboardShowsSixteenCameras(t *testing.T) {
	t.Parallel()
	config := "cameras:\n"
	for i := range 16 {
		config += fmt.Sprintf("  - {id: c%d, title: Camera %d, source: 'test://?size=320x180&fps=5'}\n", i, i)
	}
	d := start(t, options{config: config})
	for i := range 16 {
		d.waitForState(fmt.Sprint("c", i), "live")
	}
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	for i := range 16 {
		waitForMotion(t, b, fmt.Sprint("Camera ", i))
	}
	b.waitForText("16 of 16 cameras live", `document.getElementById('summary').textContent`)
	if scrolls := b.evaluate(`(w => w.scrollHeight > w.clientHeight ? 'yes' : '')(document.getElementById('grid'))`); scrolls != "" {
		t.Error("sixteen tiles do not fit the screen")
	}
	var list struct {
		Viewers []struct{ Address, Rendition string }
	}
	d.getJSON("/api/v1/viewers", &list)
	for _, v := range list.Viewers {
		if v.Address != list.Viewers[0].Address || v.Rendition != "preview" {
			t.Errorf("%+v beside %+v", v, list.Viewers[0])
		}
	}
	if len(list.Viewers) != 16 {
		t.Errorf("%d viewers, want 16", len(list.Viewers))
	}
	b.checkConsole()
}

// The tiles fill the screen with any number of cameras. Phones and tablets in portrait scroll.
func TestDashboardGridFillsScreen(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: noCameras})
	b := openBrowser(t, 400, 300)
	b.do(chromedp.Navigate(d.URL + "/"))
	b.waitForText("No camera is configured.", `document.querySelector('#grid .notice')?.textContent ?? ''`)
	for _, c := range []struct{ n, width, height, columns, used int }{ // used: percent of the screen that pictures cover
		{1, 1280, 750, 1, 85}, {2, 1280, 750, 2, 45}, {4, 1280, 750, 2, 80}, {9, 1280, 750, 3, 70}, {16, 1280, 750, 4, 60}, {30, 1280, 750, 6, 60},
		{4, 1920, 1030, 2, 75}, {30, 1920, 1030, 6, 70}, {2, 360, 700, 1, 50}, {1, 360, 700, 1, 25}, {30, 360, 700, 2, 0},
	} {
		got := b.evaluatePromise(fmt.Sprintf(`import('/assets/grid.js').then(({fitTiles}) => {
			const n = %d, {columns, width} = fitTiles([n], 16 / 9, {bar: 32, gap: 8, width: %d, height: %d});
			return [columns, Math.floor(100 * n * width * width * 9 / 16 / (%[2]d * %[3]d)), width].join();
		})`, c.n, c.width, c.height))
		var columns, used, width int
		if _, err := fmt.Sscanf(got, "%d,%d,%d", &columns, &used, &width); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if columns != c.columns || used < c.used || width < 150 {
			t.Errorf("%d tiles on %dx%d: %d columns of %d pixels, %d %% picture; want %d columns, at least %d %%",
				c.n, c.width, c.height, columns, width, used, c.columns, c.used)
		}
	}
	for _, c := range []struct{ n, width, height, chosen, columns int }{
		{1, 390, 790, 0, 1}, {30, 390, 790, 0, 1}, {30, 390, 790, 2, 2}, // a phone
		{1, 820, 1120, 0, 1}, {2, 820, 1120, 0, 1}, {4, 820, 1120, 0, 2}, {8, 820, 1120, 0, 2}, {9, 820, 1120, 0, 3}, {60, 820, 1120, 0, 3}, // a tablet
		{60, 820, 1120, 4, 4},
	} {
		got := b.evaluatePromise(fmt.Sprintf(`import('/assets/grid.js').then(({fillWidth}) => {
			const {columns, width} = fillWidth([%d], 16 / 9, {bar: 32, gap: 8, width: %d, height: %d, columns: %d});
			return [columns, %[2]d - columns * (width + 8) - 8].join();
		})`, c.n, c.width, c.height, c.chosen))
		var columns, unused int
		if _, err := fmt.Sscanf(got, "%d,%d", &columns, &unused); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if columns != c.columns || unused < 0 || unused >= columns {
			t.Errorf("%d tiles on %dx%d: %d columns, %d pixels unused; want %d columns and the whole width", c.n, c.width, c.height, columns, unused, c.columns)
		}
	}
	for groups, want := range map[string]string{"[4, 4]": "4 fit", "[7, 10, 13]": "7 fit", "[1, 1]": "1 fit", "[100, 100]": "8 scroll"} {
		got := b.evaluatePromise(fmt.Sprintf(`import('/assets/grid.js').then(({fitTiles}) => {
			const groups = %s, {columns, width} = fitTiles(groups, 16 / 9, {bar: 32, gap: 8, heading: 30, width: 1280, height: 750});
			const rows = groups.reduce((sum, n) => sum + Math.ceil(n / columns), 0);
			const down = rows * (width * 9 / 16 + 32 + 8) + groups.length * (30 + 8) + 8;
			return columns + (down <= 750 ? ' fit' : ' scroll');
		})`, groups))
		if got != want {
			t.Errorf("groups of %s: %s columns, want %s", groups, got, want)
		}
	}
	b.checkConsole()
}

// An open page shows a countdown while camd does not run, and live pictures when it runs again.
func TestDashboardReconnectsAfterRestart(t *testing.T) {
	t.Parallel()
	o := options{
		config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n",
		args:   []string{"--listen", fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))},
	}
	d := start(t, o)
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	waitForMotion(t, b, "The gate")
	b.press("1")
	b.waitForText("The gate", singleViewTitle)
	d.killAndWait()
	old, _ := shownNumber(b, "The gate")
	for _, place := range []string{`document.querySelector('#single-view')`, tileScript("The gate")} {
		b.waitForText("yes", `/Trying again (in \d+ s|now)/.test(`+place+`.querySelector('.problem').textContent) ? 'yes' : ''`)
		b.waitForText("Disconnected", place+`.querySelector('.state').textContent`)
	}
	b.waitForText("camd does not answer", `document.getElementById('summary').textContent`)
	b.press(kb.Escape)
	start(t, o)
	eventually(t, "a picture of the new daemon", func() bool {
		n, ok := shownNumber(b, "The gate")
		return ok && n != old
	})
}

// waitForMotion waits for a test camera's tile to show two frame numbers, the second one larger.
func waitForMotion(t *testing.T, b *browser, title string) {
	t.Helper()
	var first, n uint32
	eventually(t, title+" to show pictures", func() (ok bool) {
		first, ok = shownNumber(b, title)
		return ok
	})
	eventually(t, title+" to move", func() bool {
		var ok bool
		n, ok = shownNumber(b, title)
		return ok && n != first
	})
	if n < first {
		t.Errorf("%s shows picture %d after %d", title, n, first)
	}
}

func shownNumber(b *browser, title string) (uint32, bool) {
	img := b.picture(title)
	if img == nil {
		return 0, false
	}
	return framenumber.Decode(img)
}

// imagesDiffer compares two pictures pixel by pixel.
func imagesDiffer(a, b image.Image) bool {
	r := a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if a.At(x, y) != b.At(x, y) {
				return true
			}
		}
	}
	return false
}
