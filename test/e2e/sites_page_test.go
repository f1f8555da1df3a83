package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A relay's pages have each site's cameras under its name, and nothing to press that is not for them.
func TestSitesOnDashboard(t *testing.T) {
	t.Parallel()
	server := natsCluster(t, 1)[0]
	start(t, options{config: onBus(server, "north", "gate:5", "hall:5", "yard:5")})
	start(t, options{config: onBus(server, "south", "gate:5", "hall:5")})
	relay := startRelay(t, onBus(server, ""))
	relay.finds("north.gate", "north.hall", "north.yard", "south.gate", "south.hall")
	for _, id := range []string{"north.gate", "south.hall"} {
		relay.reaches(id, "live")
	}
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(relay.URL + "/"))
	const order = `[...document.querySelectorAll('#wall > *')].map(e => e.dataset.camera ?? '# ' + e.firstChild.textContent).join()`
	b.until("# north,north.gate,north.hall,north.yard,# south,south.gate,south.hall", order)
	b.until("5", `document.querySelectorAll('.tile canvas[data-shown]').length + ''`)

	const focus = `document.activeElement?.closest('.tile')?.dataset.camera ?? 'nowhere'`
	press := func(key, want string) {
		t.Helper()
		b.do(chromedp.KeyEvent(key))
		b.until(want, focus)
	}
	press(kb.ArrowRight, "north.gate")
	press(kb.ArrowRight, "north.hall")
	for range 4 { // through the rows that there are, down to the last
		b.do(chromedp.KeyEvent(kb.ArrowDown))
	}
	b.until("south", `(`+focus+`).split('.')[0]`)
	press(kb.ArrowLeft, "south.gate")
	press(kb.ArrowLeft, "north.yard")
	b.do(chromedp.KeyEvent("1"))
	b.until("north · The gate", `document.getElementById('stage-title').textContent`)
	b.until("false", `document.querySelector('#stage [data-do=pause]').checkVisibility() + ''`)

	b.do(chromedp.Navigate(relay.URL + "/cameras/south.hall/"))
	b.until("live", pageState)
	b.until("south", fact("Site"))
	b.until("true", `document.getElementById('snippets').textContent.includes('id: south-hall') + ''`) // an id that can be configured
	b.until("false", `document.querySelector('[data-do=pause]').checkVisibility() + ''`)
	b.content()
}
