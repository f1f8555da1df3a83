package e2e

import (
	_ "embed"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// plainName is a host name of this machine in the browsers of the tests. Unlike localhost and 127.0.0.1 it is no secure context over http.
const plainName = "camd.example"

// webPage is a page in a browser.
type webPage interface {
	open(url string)                      // returns when the page is loaded
	evaluate(script string) string        // of a text
	evaluatePromise(script string) string // of a promise of a text
	waitForText(want, script string)
	pressKey(key string)
	saveScreenshot(path string)
	checkConsole()
	testing() testing.TB
}

// pageProbe is the object probe, by which tests read pictures from pages.
//
//go:embed testdata/page_probe.js
var pageProbe string

// openVideoBrowser starts a Chromium whose pages have the probe, and for which plainName is this machine.
func openVideoBrowser(t testing.TB, width, height int, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	b := openBrowser(t, width, height, append([]chromedp.ExecAllocatorOption{
		chromedp.Flag("host-resolver-rules", "MAP "+plainName+" 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("disable-features", "HttpsUpgrades"),
	}, more...)...)
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: pageProbe}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

func (b *browser) pressKey(key string) { b.t.Helper(); b.press(key) }

func (b *browser) testing() testing.TB { return b.t }

// openVideoFirefox starts a Firefox whose pages have the probe.
func openVideoFirefox(t testing.TB, width, height int) *firefox {
	t.Helper()
	f := openFirefox(t, width, height)
	f.command("script.addPreloadScript", object{"functionDeclaration": "() => {" + pageProbe + "}"}, nil)
	return f
}

func (f *firefox) pressKey(key string) { f.t.Helper(); f.press(key) }

func (f *firefox) testing() testing.TB { return f.t }

var _, _ webPage = (*browser)(nil), (*firefox)(nil)

// logMessages logs what camd has sent to a page, if the test has failed.
func logMessages(p webPage) {
	if t := p.testing(); t.Failed() {
		t.Logf("messages: %s", p.evaluate(`probe.messages.map(m => JSON.stringify(m)).join('\n')`))
	}
}

// waitForText waits until a script returns a text.
func waitForText(t testing.TB, p webPage, want, script string) {
	t.Helper()
	var got string
	defer func() {
		if got != want {
			t.Logf("%s is %q", script, got)
		}
	}()
	eventually(t, want, func() bool {
		got = p.evaluate(script)
		return got == want
	})
}
