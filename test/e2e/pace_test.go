package e2e

import (
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"

	"camd/internal/peer"
)

// A hidden page costs nothing, and has live pictures at once when it is looked at again.
func TestHiddenPage(t *testing.T) {
	d := start(t, options{config: "cameras:\n" +
		"  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n" +
		"  - {id: yard, title: The yard, source: 'test://?size=320x180&fps=15', on_demand: true}\n"})
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	moves(t, b, "The gate")
	moves(t, b, "The yard")
	b.hide()
	d.awaits("gate", "watched by nobody", func(s state) bool { return s.Viewers == 0 })
	d.reaches("yard", "idle") // a camera that nobody looks at is closed
	before, _ := shown(b, "The gate")
	if now, _ := shown(b, "The gate"); now != before {
		t.Errorf("picture %d after %d, and nobody looks", now, before)
	}
	b.show()
	for _, title := range []string{"The gate", "The yard"} {
		moves(t, b, title)
	}
	if now, _ := shown(b, "The gate"); now <= before {
		t.Errorf("picture %d after %d", now, before)
	}
	b.content()
}

// A slow link gets fewer pictures, not older ones: however long it lasts, what is shown overtakes what was new a moment ago.
func TestSlowBrowser(t *testing.T) {
	d := start(t, options{config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=1280x720&fps=30'}\n"})
	link := peer.Between(t, d.URL)
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(link.URL + "/"))
	moves(t, b, "The gate")
	link.Poison("bandwidth", `"rate": 150`) // KB/s, a tenth of what the camera gives
	var list struct {
		Viewers []struct{ Dropped, Sent uint64 }
	}
	eventually(t, "pictures to be dropped", func() bool {
		d.json("/api/v1/viewers", &list)
		return len(list.Viewers) == 1 && list.Viewers[0].Dropped > 100
	})
	for range 3 {
		newest := d.camera("gate").Counts.Captured
		eventually(t, "a picture that was taken later", func() bool {
			n, ok := shown(b, "The gate")
			return ok && uint64(n) > newest
		})
	}
	b.content()
}

// A camera whose capture process dies says so on the page, and is live again there.
func TestDashboardAfterCrash(t *testing.T) {
	d := start(t, options{config: "cameras:\n" +
		"  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n" +
		"  - {id: yard, title: The yard, source: 'test://?size=320x180&fps=15'}\n"})
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	moves(t, b, "The gate")
	moves(t, b, "The yard")
	b.do(chromedp.Evaluate[chromedp.Void](`window.drawn = 0;
		new MutationObserver(() => window.drawn++).observe(` + tile("The gate") + `.querySelector('canvas'), {attributeFilter: ['data-drawn']});`))
	d.kill("gate", syscall.SIGSEGV)
	b.until("2", `window.drawn + ''`) // the placeholder has come, and gone
	moves(t, b, "The yard")
	moves(t, b, "The gate")
	b.content()
}
