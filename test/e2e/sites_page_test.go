package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A relay's dashboard groups cameras by site. Its pages have no buttons that do not apply to remote cameras.
func TestDashboardGroupsCamerasBySite(t *testing.T) {
	t.Parallel()
	server := natsCluster(t, 1)[0]
	start(t, options{config: busConfig(server, "north", "gate:5", "hall:5", "yard:5")})
	start(t, options{config: busConfig(server, "south", "gate:5", "hall:5")})
	relay := startRelay(t, busConfig(server, ""))
	relay.waitForCameras("north.gate", "north.hall", "north.yard", "south.gate", "south.hall")
	for _, id := range []string{"north.gate", "south.hall"} {
		relay.waitForState(id, "live")
	}
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(relay.URL + "/"))
	const order = `[...document.querySelectorAll('#grid > *')].map(e => e.dataset.camera ?? '# ' + e.firstChild.textContent).join()`
	b.waitForText("# north,north.gate,north.hall,north.yard,# south,south.gate,south.hall", order)
	b.waitForText("5", `document.querySelectorAll('.tile .pictures[data-track]').length + ''`)

	const focus = `document.activeElement?.closest('.tile')?.dataset.camera ?? 'nowhere'`
	press := func(key, want string) {
		t.Helper()
		b.do(chromedp.KeyEvent(key))
		b.waitForText(want, focus)
	}
	press(kb.ArrowRight, "north.gate")
	press(kb.ArrowRight, "north.hall")
	for range 4 { // down to the last row
		b.do(chromedp.KeyEvent(kb.ArrowDown))
	}
	b.waitForText("south", `(`+focus+`).split('.')[0]`)
	press(kb.ArrowLeft, "south.gate")
	press(kb.ArrowLeft, "north.yard")
	b.do(chromedp.KeyEvent("1"))
	b.waitForText("north · The gate", `document.getElementById('single-view-title').textContent`)
	b.waitForText("false", `document.querySelector('#single-view [data-action=pause]').checkVisibility() + ''`)

	b.do(chromedp.Navigate(relay.URL + "/cameras/south.hall/"))
	b.waitForText("Live", pageState)
	b.waitForText("south", factScript("Site"))
	b.waitForText("true", `document.getElementById('snippets').textContent.includes('id: south-hall') + ''`) // a valid id
	b.waitForText("false", `document.querySelector('[data-action=pause]').checkVisibility() + ''`)
	b.checkConsole()
}
