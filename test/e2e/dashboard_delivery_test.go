package e2e

import (
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"

	"camd/internal/testpeer"
)

// A hidden page gets no pictures. When it is shown again, it gets live pictures at once.
func TestHiddenPageGetsNoPictures(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n" +
		"  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n" +
		"  - {id: yard, title: The yard, source: 'test://?size=320x180&fps=15', on_demand: true}\n"})
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	waitForMotion(t, b, "The gate")
	waitForMotion(t, b, "The yard")
	b.hide()
	d.waitForCamera("gate", "without viewers", func(s state) bool { return s.Viewers == 0 })
	d.waitForState("yard", "idle") // camd closes a camera without viewers
	before, _ := shownNumber(b, "The gate")
	if now, _ := shownNumber(b, "The gate"); now != before {
		t.Errorf("a hidden page shows picture %d after %d", now, before)
	}
	b.show()
	for _, title := range []string{"The gate", "The yard"} {
		waitForMotion(t, b, title)
	}
	if now, _ := shownNumber(b, "The gate"); now <= before {
		t.Errorf("picture %d after %d", now, before)
	}
	b.checkConsole()
}

// A frozen picture is not shown as live, even if camd's last message said that its camera is live.
func TestFrozenPictureIsNotShownAsLive(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n" +
		"  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n" +
		"  - {id: slow, title: Slow, source: 'test://?size=320x180&fps=15', renditions: {preview: {width: 160, fps: 0.2}}}\n"})
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	waitForMotion(t, b, "The gate")
	// A picture every five seconds is not stale in between.
	b.do(chromedp.Evaluate[chromedp.Void](`window.alarms = 0;
		new MutationObserver(() => window.alarms++).observe(` + tileScript("Slow") + `, {attributeFilter: ['data-stale']});`))
	waitForMotion(t, b, "Slow")
	if alarms := b.evaluate(`window.alarms + ''`); alarms != "0" {
		t.Errorf("a slow rendition was marked as stale %s times", alarms)
	}
	if err := d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b.waitForText("No new picture", tileScript("The gate")+`.querySelector('.state').textContent`)
	b.waitForText("true", tileScript("The gate")+`.hasAttribute('data-stale') + ''`)
	if err := d.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	waitForMotion(t, b, "The gate")
	b.waitForText("Live", tileScript("The gate")+`.querySelector('.state').textContent`)
}

// A refused subscription is retried, and the page shows the reason until then.
func TestRefusedSubscriptionIsRetried(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: longWriteTimeout + "limits: {viewers: 1}\ncameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n"})
	d.waitForState("gate", "live")
	for _, page := range []string{"/", "/cameras/gate"} {
		other := watch(t, d.URL+"/cameras/gate/stream.mjpg")
		b := openBrowser(t, 800, 600, keepLeftPages)
		b.do(chromedp.Navigate(d.URL + page))
		b.waitForText("yes", `/viewers/.test(document.querySelector('.tile .problem, .picture .problem')?.textContent) ? 'yes' : ''`)
		_ = other.body.Close()
		b.waitForText("main", `document.querySelector('.tile .pictures, #view .pictures').dataset.track ?? ''`)
		b.do(chromedp.Navigate("about:blank"))
		d.waitForCamera("gate", "left", func(s state) bool { return s.Viewers == 0 })
	}
}

// A browser on a slow link gets fewer pictures, but new ones.
func TestSlowBrowserGetsFewerNotOlderPictures(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=1280x720&fps=30'}\n"})
	link := testpeer.ServeFaultProxy(t, d.URL)
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(link.URL + "/"))
	waitForMotion(t, b, "The gate")
	link.AddFault("bandwidth", `"rate": 150`) // KB/s, a tenth of the camera's rate
	var list struct {
		Viewers []struct{ Dropped, Sent uint64 }
	}
	eventually(t, "pictures to be dropped", func() bool {
		d.getJSON("/api/v1/viewers", &list)
		return len(list.Viewers) == 1 && list.Viewers[0].Dropped > 100
	})
	for range 3 {
		newest := d.camera("gate").Counts.Captured
		eventually(t, "a picture that was taken later", func() bool {
			n, ok := shownNumber(b, "The gate")
			return ok && uint64(n) > newest
		})
	}
	b.checkConsole()
}

// The page shows that a camera's capture process died, and then that the camera is live again.
func TestDashboardShowsCrashedCameraUntilItIsLive(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n" +
		"  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n" +
		"  - {id: yard, title: The yard, source: 'test://?size=320x180&fps=15'}\n"})
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	waitForMotion(t, b, "The gate")
	waitForMotion(t, b, "The yard")
	b.do(chromedp.Evaluate[chromedp.Void](`window.drawn = 0;
		new MutationObserver(() => window.drawn++).observe(` + tileScript("The gate") + `.querySelector('.pictures'), {attributeFilter: ['data-placeholder']});`))
	d.signalWorker("gate", syscall.SIGSEGV)
	b.waitForText("2", `window.drawn + ''`) // the placeholder has appeared and disappeared
	waitForMotion(t, b, "The yard")
	waitForMotion(t, b, "The gate")
	b.checkConsole()
}
