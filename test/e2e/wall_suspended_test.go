package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/chromedp"

	"camd/internal/testpeer"
)

// A hidden page costs nothing. When it is shown again, its pictures continue at once, and none is damaged.
func TestHiddenPageGetsNothing(t *testing.T) {
	t.Parallel()
	w := startVideoWall(t, "")
	for _, player := range []string{"WebCodecs", "MSE"} {
		t.Run(player, func(t *testing.T) {
			b := openVideoBrowser(t, 1280, 800)
			b.open(w.URL + "/?player=" + strings.ToLower(player))
			views := map[string]*videoCamera{tileOf("a"): w.sub, tileOf("b"): w.plain}
			for view, camera := range views {
				waitForNewPictures(b, view, camera)
			}
			b.hide()
			for _, id := range []string{"a", "b"} {
				w.waitForCamera(id, "without viewers", func(s state) bool { return s.Viewers == 0 })
			}
			got := ""
			eventually(t, "a time without bytes that were on their way", func() bool {
				before := got
				w.plain.waitForFrames(t, clipRate)
				got = b.evaluate(`probe.received()`)
				return got == before
			})
			w.plain.waitForFrames(t, 2*clipRate)
			if now := b.evaluate(`probe.received()`); now != got {
				t.Errorf("the hidden page has got %s bytes, and before %s", now, got)
			}
			samplePictures(b, tileOf("b"))
			b.show()
			for view, camera := range views {
				waitForNewPictures(b, view, camera)
			}
			endSamples(b).checkOrder(t, player, w.plain)
			logMessages(b)
			w.checkNothingDecoded(b)
			b.checkConsole()
		})
	}
}

// The system suspends a browser, or its connection. Afterwards its pictures are live again, and none is damaged.
func TestSuspendedBrowserContinues(t *testing.T) {
	t.Parallel()
	w := startVideoWall(t, "")
	for _, player := range []string{"WebCodecs", "MSE"} {
		t.Run(player+"/process", func(t *testing.T) {
			b := openVideoBrowser(t, 1280, 800)
			b.open(w.URL + "/?player=" + strings.ToLower(player))
			checkSuspended(b, w, func() { b.signalRenderers(syscall.SIGSTOP) }, func() { b.signalRenderers(syscall.SIGCONT) })
		})
		for name, open := range map[string]func() webPage{
			"Chromium": func() webPage { return openVideoBrowser(t, 1280, 800) },
			"Firefox":  func() webPage { return openVideoFirefox(t, 1280, 800) },
		} {
			t.Run(player+"/network/"+name, func(t *testing.T) {
				link, p := testpeer.ServeSlowLink(t, w.URL), open()
				p.open(link.URL + "/?player=" + strings.ToLower(player))
				checkSuspended(p, w, func() { link.SetRate(0) }, func() { link.SetRate(testpeer.Unlimited) })
			})
		}
	}
}

// checkSuspended suspends a page of a wall for five seconds of its cameras.
func checkSuspended(p webPage, w *videoWall, suspend, resume func()) {
	t := p.testing()
	t.Helper()
	waitForNewPictures(p, tileOf("a"), w.sub)
	waitForNewPictures(p, tileOf("b"), w.plain)
	samplePictures(p, tileOf("b"))
	suspend()
	w.plain.waitForFrames(t, 5*clipRate)
	resume()
	waitForNewPictures(p, tileOf("b"), w.plain)
	endSamples(p).checkOrder(t, tileOf("b"), w.plain)
	waitForNewPictures(p, tileOf("a"), w.sub)
	p.checkConsole()
}

// signalRenderers sends a signal to the processes that run the pages.
func (b *browser) signalRenderers(sig syscall.Signal) {
	b.t.Helper()
	info, err := chromedp.CallBrowser(b.ctx, systeminfo.GetProcessInfo, struct{}{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range info.ProcessInfo {
		if p.Type != "renderer" {
			continue
		}
		if err := testpeer.Signal(int(p.ID), sig); err != nil {
			b.t.Fatal(err)
		}
	}
}
