package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// keepLeftPages makes Chromium keep pages with WebSockets in its back/forward cache, as it does by default from version 156 on.
var keepLeftPages = chromedp.Flag("enable-features", "DisconnectWebSocketOnBFCache")

// A page closes its connection when the user leaves it, even if the browser keeps the page. It connects again when it is shown again.
func TestLeftPageDisconnects(t *testing.T) {
	d := start(t, options{config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n"})
	d.waitForState("gate", "live")
	for path, view := range map[string]string{"/": ".tile .pictures", "/cameras/gate": "#view .pictures"} {
		b := openBrowser(t, 800, 600, keepLeftPages)
		b.do(chromedp.Navigate(d.URL + path))
		b.waitForText("main", `document.querySelector('`+view+`')?.dataset.track ?? ''`)
		b.do(chromedp.Evaluate[chromedp.Void](`addEventListener('pageshow', (event) => { window.kept = String(event.persisted); })`))
		b.do(chromedp.Navigate("about:blank"))
		eventually(t, path+" to disconnect", func() bool { return d.metric("camd_viewer_walls") == 0 })
		b.do(chromedp.Evaluate[chromedp.Void](`setTimeout(() => history.back())`)) // chromedp.NavigateBack waits for the page to load, and a kept one does not
		b.waitForText("true", `window.kept ?? ''`)                                 // without this the test proves nothing
		d.waitForCamera("gate", "watched again", func(s state) bool { return s.Viewers == 1 })
		b.do(chromedp.Navigate("about:blank"))
		eventually(t, path+" to disconnect again", func() bool { return d.metric("camd_viewer_walls") == 0 })
		b.checkConsole()
	}
}

// A page whose connection camd refuses shows the reason and the cameras' states, and gets pictures when a place is free.
func TestRefusedConnectionShowsReason(t *testing.T) {
	d := start(t, options{config: "limits: {viewers: 1}\ncameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n"})
	d.waitForState("gate", "live")
	for _, path := range []string{"/", "/cameras/gate"} {
		leave := d.dialWall(t, wallOptions{}).drain()
		b := openBrowser(t, 800, 600)
		b.do(chromedp.Navigate(d.URL + path))
		b.waitForText("The limit of 1 open dashboards is reached: try again later",
			`(document.querySelector('.tile .problem, .picture .problem')?.textContent ?? '').replace(/ \(since .*/, '')`)
		if state := b.evaluate(`document.querySelector('.tile .state, .top .state').textContent`); state == "Disconnected" {
			t.Errorf("%s calls the camera %q", path, state)
		}
		if err := leave(); err != nil {
			t.Error(err)
		}
		b.waitForText("main", `document.querySelector('.tile .pictures, #view .pictures').dataset.track ?? ''`)
		b.do(chromedp.Navigate("about:blank"))
		eventually(t, path+" to disconnect", func() bool { return d.metric("camd_viewer_walls") == 0 })
	}
}
