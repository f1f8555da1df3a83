package e2e

import (
	_ "embed"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeSource is axe-core, which finds problems of accessibility in a page. Its licence is in the same folder.
//
//go:embed testdata/axe.min.js
var axeSource string

// axeScript lets axe look for violations of WCAG 2.2, levels A and AA.
const axeScript = `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}).then(r =>
	r.violations.map(v => v.id + ': ' + v.help + ' at ' + v.nodes.map(n => n.html.slice(0, 150)).join(' | ')).join('\n'))`

// Pages meet WCAG 2.2 on a phone and on a large screen, in both colour schemes.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: `
cameras:
  - {id: gate, title: The gate, source: 'test://?size=640x360&fps=5'}
  - {id: gone, title: Gone for a long time and with a long name, source: /dev/camd-has-no-such-device}
  - {id: off, title: Turned off, source: 'test://?size=320x180&fps=5', paused: true}
`})
	d.waitForState("gate", "live")
	d.waitForState("gone", "offline")
	for _, width := range []int{360, 1920} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%d/%s", width, scheme), func(t *testing.T) {
				t.Parallel()
				b := openBrowser(t, width, 800)
				if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				}); err != nil {
					t.Fatal(err)
				}
				b.do(chromedp.Navigate(d.URL + "/"))
				waitForMotion(t, b, "The gate")
				b.checkAccessibility("the wall")
				b.press("1")
				b.waitForText("main", singleViewTrack)
				b.checkAccessibility("the single view")
				b.press("3")
				b.waitForText("Turned off", singleViewTitle)
				b.checkAccessibility("the single view of a camera that is off")
				b.do(chromedp.Navigate(d.URL + "/?kiosk"))
				waitForMotion(t, b, "The gate")
				b.checkAccessibility("the kiosk")
				b.do(chromedp.Navigate(d.URL + "/"))
				b.waitForText("3", `document.querySelectorAll('.tile').length + ''`)
				b.do(chromedp.Click(chromedp.CSS("[data-action=arrange]")))
				b.checkAccessibility("the sheet")
				b.do(chromedp.Click(chromedp.CSS("#arrange .done")))
				b.press("?")
				b.waitForText("true", `document.getElementById('help').open + ''`)
				b.checkAccessibility("the keys")
				for _, id := range []string{"gate", "gone"} {
					b.do(chromedp.Navigate(d.URL + "/cameras/" + id))
					b.waitForText("true", `document.querySelectorAll('#history li').length > 0 && document.querySelector('.pictures').dataset.track === 'main' ? 'true' : ''`)
					b.checkAccessibility("the page of " + id)
				}
				b.checkConsole()
			})
		}
	}
}

// checkAccessibility checks the page as it is now with axe, and that it does not scroll sideways.
func (b *browser) checkAccessibility(what string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](axeSource))
	if found := b.evaluatePromise(axeScript); found != "" {
		b.t.Errorf("%s: %s", what, found)
	}
	if wide := b.evaluate(`document.documentElement.scrollWidth > innerWidth ? document.documentElement.scrollWidth + '' : ''`); wide != "" {
		b.t.Errorf("%s is %s pixels wide", what, wide)
	}
}
