package e2e

import (
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	window "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	singleViewTitle = `document.querySelector('#single-view[open] h2')?.textContent ?? ''`
	singleViewTrack = `document.querySelector('#single-view .pictures').dataset.track ?? ''`
	focusedTile     = `document.activeElement?.closest('.tile')?.querySelector('h2').textContent ?? ''`
)

// The keyboard opens a camera in full size, zooms it, goes to the next one, and closes it.
func TestKeyboardShortcutsControlDashboard(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: `
cameras:
  - {id: gate, title: The gate, source: 'test://?size=960x540&fps=15'}
  - {id: yard, title: The yard, source: 'test://?size=320x180&fps=15'}
  - {id: hall, title: The hall, source: 'test://?size=320x180&fps=15'}
  - {id: shed, title: The shed, source: 'test://?size=320x180&fps=15'}
`})
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	waitForMotion(t, b, "The gate")

	// Four tiles are in two rows of two.
	b.press(kb.ArrowRight)
	b.waitForText("The gate", focusedTile)
	b.press(kb.ArrowRight)
	b.press(kb.ArrowDown)
	b.waitForText("The shed", focusedTile)
	b.press(kb.Enter)
	b.waitForText("The shed", singleViewTitle)
	before := b.evaluate(`history.length + ''`)
	b.waitForText("#shed", `location.hash`)
	b.press(kb.ArrowRight) // after the last comes the first
	b.waitForText("The gate", singleViewTitle)
	b.waitForText("main", singleViewTrack)
	if size := b.evaluate(`document.querySelector('#single-view [data-shown]').width + ''`); size != "960" {
		t.Errorf("a picture %s wide in the single view, want 960", size)
	}
	if opened := b.evaluate(`performance.getEntriesByName('camd.open').map(e => e.duration.toFixed(1)).join() + ''`); opened == "" {
		t.Error("the page did not measure the time to the first picture")
	} else {
		t.Logf("from the key to the first picture in full size: %s ms", opened)
	}
	b.press("3")
	b.waitForText("The hall", singleViewTitle)

	b.press("+")
	b.waitForText("zoomed", `document.getElementById('view').className`)
	zoomed := b.evaluate(`document.querySelector('#single-view .pictures').style.transform`)
	b.press(kb.ArrowRight, chromedp.KeyModifiers(kb.ModifierShift))
	if moved := b.evaluate(`document.querySelector('#single-view .pictures').style.transform`); moved == zoomed || moved == "" {
		t.Errorf("a zoomed picture stays at %q", moved)
	}
	b.press("0")
	b.waitForText("", `document.getElementById('view').className`)

	b.press("f")
	b.waitForText("single-view-content", `document.fullscreenElement?.id ?? ''`)
	b.press("f")
	b.waitForText("", `document.fullscreenElement?.id ?? ''`)

	b.press(kb.Escape)
	b.waitForText("", singleViewTitle)
	b.waitForText("The hall", focusedTile)
	b.waitForText("", `location.hash`)
	if n := b.evaluate(`history.length + ''`); n != before {
		t.Errorf("%s entries in the history, %s before", n, before)
	}
	for _, title := range []string{"The gate", "The yard"} {
		waitForMotion(t, b, title)
	}
	b.press("?")
	b.waitForText("true", `document.getElementById('help').open + ''`)
	b.press(kb.Escape)
	b.waitForText("false", `document.getElementById('help').open + ''`)
	b.checkConsole()
}

// The browser saves a snapshot as a file.
func TestSnapshotIsDownloadedFromDashboard(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n"})
	b := openBrowser(t, 800, 600)
	dir := t.TempDir()
	if _, err := chromedp.CallBrowser(b.ctx, window.SetDownloadBehavior, window.SetDownloadBehaviorParams{
		Behavior: window.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir,
	}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(d.URL + "/#gate"))
	b.waitForText("main", singleViewTrack)
	b.press("s")
	var path string
	eventually(t, "the file", func() bool {
		names, _ := filepath.Glob(filepath.Join(dir, "gate-*.jpg"))
		path = strings.Join(names, "")
		return path != ""
	})
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if img, err := jpeg.Decode(f); err != nil || img.Bounds().Dx() != 320 {
		t.Errorf("%s: %v, %v", path, img, err)
	}
	b.checkConsole()
}

// The browser keeps the arrangement of the dashboard for the next visit.
func TestArrangementIsKeptInBrowser(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n" +
		"  - {id: a, title: A, source: 'test://?size=320x180&fps=5'}\n" +
		"  - {id: b, title: B, source: 'test://?size=320x180&fps=5'}\n" +
		"  - {id: c, title: C, source: 'test://?size=320x180&fps=5'}\n"})
	b := openBrowser(t, 1280, 800)
	const titles = `[...document.querySelectorAll('.tile h2')].map(h => h.textContent).join()`
	b.do(chromedp.Navigate(d.URL + "/"))
	b.waitForText("A,B,C", titles)
	b.do(chromedp.Click(chromedp.CSS("[data-action=arrange]")))
	b.do(chromedp.Click(chromedp.CSS("#arrange li:nth-child(3) .up")))
	b.waitForText("A,C,B", titles)
	b.do(chromedp.Click(chromedp.CSS("#arrange li:nth-child(1) input")))
	b.waitForText("C,B", titles)
	b.do(chromedp.Reload())
	b.waitForText("C,B", titles)
	d.waitForCamera("a", "without viewers", func(s state) bool { return s.Viewers == 0 })

	// The address overrides the arrangement.
	b.do(chromedp.Navigate(d.URL + "/?kiosk&cameras=b,a&columns=1"))
	b.waitForText("B,A", titles)
	b.waitForText("none", `getComputedStyle(document.querySelector('.top')).display`)
	b.waitForText("1", `document.getElementById('grid').style.getPropertyValue('--columns')`)
	waitForMotion(t, b, "A")
	if cut := b.evaluate(`[...document.querySelectorAll('.tile h2')].filter(h => h.scrollWidth > h.clientWidth).map(h => h.textContent).join()`); cut != "" {
		t.Errorf("truncated names: %s", cut)
	}
	b.press("d") // opens another page, but not in kiosk mode
	b.do(chromedp.Navigate(d.URL + "/?cameras=nope"))
	b.waitForText("Not found: nope.", `document.querySelector('.notice')?.textContent ?? ''`)

	b.do(chromedp.Click(chromedp.CSS("[data-action=theme]")))
	b.waitForText("light", `document.documentElement.dataset.theme ?? ''`)
	b.press("?")
	b.do(chromedp.Click(chromedp.CSS("#help input")), chromedp.Click(chromedp.CSS("#help .done")))
	b.do(chromedp.Navigate(d.URL + "/"))
	b.waitForText("C,B", titles)
	b.waitForText("light", `document.documentElement.dataset.theme ?? ''`)
	b.press("1?")
	if opened := b.evaluate(`(location.hash || document.querySelector('dialog[open]')?.id) ?? ''`); opened != "" {
		t.Errorf("disabled keys opened %s", opened)
	}
	b.checkConsole()
}
