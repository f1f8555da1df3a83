package e2e

import (
	"os"
	"strings"

	window "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// press presses keys as a user does, such as "f" or kb.Escape.
func (b *browser) press(keys string, options ...chromedp.KeyOption) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys, options...))
}

// hide minimizes the window, so that its page is hidden. show restores it.
func (b *browser) hide() { b.resize(window.WindowStateMinimized, "hidden") }

func (b *browser) show() { b.resize(window.WindowStateNormal, "visible") }

func (b *browser) resize(state window.WindowState, visibility string) {
	b.t.Helper()
	w, err := chromedp.Call(b.ctx, window.GetWindowForTarget, window.GetWindowForTargetParams{})
	if err == nil {
		_, err = chromedp.Call(b.ctx, window.SetWindowBounds, window.SetWindowBoundsParams{
			WindowID: w.WindowID, Bounds: &window.Bounds{WindowState: state},
		})
	}
	if err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
	b.waitForText(visibility, `document.visibilityState`)
}

// waitForText waits until a script returns a text.
func (b *browser) waitForText(want, script string) {
	b.t.Helper()
	var got string
	defer func() {
		if got != want {
			b.t.Logf("%s is %q", script, got)
		}
	}()
	eventually(b.t, want, func() bool {
		text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script))
		if err != nil && strings.Contains(err.Error(), "Inspected target navigated or closed") {
			return false // another page is replacing this one
		}
		if err != nil {
			b.t.Fatalf("chromium: %v in %.200s", err, script)
		}
		got = text
		return got == want
	})
}

// evaluatePromise evaluates a script that returns a promise of a text.
func (b *browser) evaluatePromise(script string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("chromium: %v in %.200s", err, script)
	}
	return s
}

// saveScreenshot writes a picture of the page to a file.
func (b *browser) saveScreenshot(path string) {
	b.t.Helper()
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(path, shot, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
