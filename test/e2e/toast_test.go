package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// The message with the Undo button remains while the keyboard focus or the pointer is on it (WCAG 2.2.1).
func TestUndoRemainsWhileFocusedOrPointedAt(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, title: The gate, source: 'test://?size=320x180&fps=15'}\n"})
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/cameras/gate"))
	b.waitForText("Live", pageState)
	// The timer of the message fires when the test calls expire.
	b.evaluate(`(() => {
		const original = window.setTimeout;
		window.setTimeout = (run, delay, ...rest) => {
			if (delay !== 15000) return original(run, delay, ...rest);
			window.expire = run;
			return 0;
		};
		return '';
	})()`)
	const undo = `document.querySelector('#toast:popover-open button')?.textContent ?? ''`
	pointAt := func(selector string) {
		t.Helper()
		event := input.DispatchMouseEventParams{Type: "mouseMoved"}
		center := b.evaluate(`(({ x, y, width, height }) => (x + width / 2) + ' ' + (y + height / 2))(document.querySelector('` + selector + `').getBoundingClientRect())`)
		if _, err := fmt.Sscan(center, &event.X, &event.Y); err != nil {
			t.Fatalf("%q: %v", center, err)
		}
		b.mouse(event)
		b.waitForText("yes", `document.querySelector('`+selector+`').matches(':hover') ? 'yes' : ''`)
	}
	for _, way := range []struct {
		name         string
		enter, leave func()
	}{
		{"focus", func() { b.evaluate(`document.querySelector('#toast button').focus(), ''`) }, func() { b.evaluate(`document.activeElement.blur(), ''`) }},
		{"pointer", func() { pointAt("#toast") }, func() { pointAt("#title") }},
	} {
		b.press("p")
		b.waitForText("Undo", undo)
		b.waitForText("Turned off", pageState)
		way.enter()
		for range 3 {
			if got := b.evaluate(`window.expire(), ` + undo); got != "Undo" {
				t.Fatalf("%s: the message disappears", way.name)
			}
		}
		way.leave()
		if got := b.evaluate(`window.expire(), ` + undo); got != "" {
			t.Fatalf("%s: the message remains", way.name)
		}
		b.press("p")
		b.waitForText("Live", pageState)
	}
	b.checkConsole()
}
