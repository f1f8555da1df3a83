package e2e

import (
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"

	"camd/internal/testpeer"
)

// A hidden page costs nothing, and has live pictures at once when it is looked at again.
func TestHiddenPage(t *testing.T) {
	t.Parallel()
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

// A picture that stands still is not passed off as live, whatever was last heard of its camera.
func TestStandstillIsSeen(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n" +
		"  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n" +
		"  - {id: slow, title: Slow, source: 'test://?size=320x180&fps=15', renditions: {preview: {width: 160, fps: 0.2}}}\n"})
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	moves(t, b, "The gate")
	// One that is to come every five seconds is not still in between.
	b.do(chromedp.Evaluate[chromedp.Void](`window.alarms = 0;
		new MutationObserver(() => window.alarms++).observe(` + tile("Slow") + `, {attributeFilter: ['data-stale']});`))
	moves(t, b, "Slow")
	if alarms := b.text(`window.alarms + ''`); alarms != "0" {
		t.Errorf("a slow rendition was called still %s times", alarms)
	}
	if err := d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b.until("no new picture", tile("The gate")+`.querySelector('.state').textContent`)
	b.until("true", tile("The gate")+`.hasAttribute('data-stale') + ''`)
	if err := d.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	moves(t, b, "The gate")
	b.until("live", tile("The gate")+`.querySelector('.state').textContent`)
}

// A place that is refused is asked for again, and the page says why meanwhile.
func TestRefusedPlace(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "limits: {viewers: 1}\ncameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n"})
	d.reaches("gate", "live")
	for _, page := range []string{"/", "/cameras/gate"} {
		other := watch(t, d.URL+"/cameras/gate/stream.mjpg")
		b := openBrowser(t, 800, 600, keepLeftPages)
		b.do(chromedp.Navigate(d.URL + page))
		b.until("yes", `/viewers/.test(document.querySelector('.tile .why, .picture .why')?.textContent) ? 'yes' : ''`)
		_ = other.body.Close()
		b.until("main", `document.querySelector('.tile canvas, #view canvas').dataset.shown ?? ''`)
		b.do(chromedp.Navigate("about:blank"))
		d.awaits("gate", "left", func(s state) bool { return s.Viewers == 0 })
	}
}

// A slow link gets fewer pictures, not older ones: however long it lasts, what is shown overtakes what was new a moment ago.
func TestSlowBrowser(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=1280x720&fps=30'}\n"})
	link := testpeer.ServeFaultProxy(t, d.URL)
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(link.URL + "/"))
	moves(t, b, "The gate")
	link.AddFault("bandwidth", `"rate": 150`) // KB/s, a tenth of what the camera gives
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
	t.Parallel()
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
