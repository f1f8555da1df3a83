package e2e

import (
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// BenchmarkOpenCameraOnDashboard measures the time from the key that opens a live camera until its first picture in full size is drawn,
// as the page measures it. The baseline is the time between two pictures. An operation is one opening.
func BenchmarkOpenCameraOnDashboard(b *testing.B) {
	d := start(b, options{config: "cameras:\n" +
		"  - {id: a, title: A, source: 'test://?size=1280x720&fps=30'}\n" +
		"  - {id: b, title: B, source: 'test://?size=1280x720&fps=30'}\n"})
	page := openBrowser(b, 1280, 800)
	page.do(chromedp.Navigate(d.URL + "/"))
	page.waitForText("2", `document.querySelectorAll('.pictures[data-track=preview]').length + ''`)
	var waits []time.Duration
	for b.Loop() {
		page.do(chromedp.Evaluate[chromedp.Void](`performance.clearMeasures()`))
		page.press("1")
		var measured string
		eventually(b, "the first picture", func() bool {
			measured = page.evaluate(`performance.getEntriesByName('camd.open')[0]?.duration.toFixed(3) ?? ''`)
			return measured != ""
		})
		ms, err := strconv.ParseFloat(measured, 64)
		if err != nil {
			b.Fatal(err)
		}
		waits = append(waits, time.Duration(ms*float64(time.Millisecond)))
		page.press(kb.Escape)
		page.waitForText("", singleViewTitle)
	}
	reportQuantiles(b, waits)
	b.ReportMetric(1000.0/30, "interval-ms")
	b.ReportMetric(0, "ns/op") // it would mostly be the polling of this test
}
