package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// connectScript opens a connection to the wall in the page. window.events lists what happens to it, with the type of each message.
const connectScript = `(async () => {
	const { WallConnection } = await import('/assets/wall_connection.js');
	window.events = [];
	const note = (name) => () => { window.events.push(name); };
	window.connection = new WallConnection({
		onOpen: note('open'), onClose: note('close'), onRetry: note('retry'),
		onMessage: (data) => window.events.push(typeof data === 'string' ? JSON.parse(data).type : 'binary'),
		onRefused: (reason) => window.events.push(reason),
	});
	window.connection.start();
	return '';
})()`

const (
	connectionEvents = `window.events.join()`
	forgetEvents     = `(() => { window.events = []; return ''; })()`
	// The clock of the page advances, as if the computer had slept.
	sleepScript = `(() => { const now = Date.now; Date.now = () => now() + 6000; return ''; })()`
)

func openConnection(t *testing.T, d *daemon) *browser {
	t.Helper()
	b := openBrowser(t, 800, 600)
	b.do(chromedp.Navigate(d.URL + "/assets/icon.svg"))
	b.evaluatePromise(connectScript)
	b.waitForText("open,hello", connectionEvents)
	return b
}

// A page that slept connects again at once. While no camera is subscribed or the page is hidden it does so later, when it needs messages.
func TestBrowserConnectsAgainAfterSleep(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, source: 'test://?size=320x180&fps=1'}\n"})
	b := openConnection(t, d)
	b.evaluate(sleepScript)
	b.evaluate(`window.connection.checkSleep() ?? ''`)
	if events := b.evaluate(connectionEvents); events != "open,hello" {
		t.Errorf("a quiet page that slept has %s", events)
	}
	b.evaluate(`window.connection.setQuiet(false) ?? ''`)
	b.waitForText("open,hello,close,open,hello", connectionEvents)
	b.evaluate(forgetEvents)
	b.evaluate(sleepScript)
	b.waitForText("close,open,hello", connectionEvents) // the next tick notices
	eventually(t, "the old connections to end", func() bool { return d.metric("camd_viewer_walls") == 1 })
}

// A lost connection is tried again, and a refused one says why.
func TestBrowserRetriesItsConnection(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "limits: {viewers: 1}\ncameras:\n  - {id: gate, source: 'test://?size=320x180&fps=1'}\n"})
	b := openConnection(t, d)
	other := openBrowser(t, 800, 600)
	other.do(chromedp.Navigate(d.URL + "/assets/icon.svg"))
	other.evaluatePromise(connectScript)
	const reason = "the limit of 1 open dashboards is reached: try again later"
	other.waitForText("close,"+reason, `window.events.slice(0, 2).join()`)
	b.evaluate(forgetEvents)
	b.evaluate(`window.connection.retryLater() ?? ''`)
	b.waitForText("close,retry", `window.events.slice(0, 2).join()`)
	b.evaluate(`window.connection.leave() ?? ''`)
	other.evaluate(forgetEvents)
	other.waitForText("open,hello", `window.events.slice(-2).join()`)
}

// playersScript asks which kinds of players may play a codec, if the address of the page has a query.
const playersScript = `(async (query, codec) => {
	history.replaceState(null, '', location.pathname + query);
	const { decodableCodecs, playerKinds } = await import('/assets/video_support.js');
	return playerKinds(codec, await decodableCodecs()).join();
})`

// The browser chooses players by what it can decode. The address of the page restricts them.
func TestBrowserChoosesPlayers(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, source: 'test://?size=320x180&fps=1'}\n"})
	b := openBrowser(t, 800, 600)
	b.do(chromedp.Navigate(d.URL + "/assets/icon.svg"))
	for _, test := range []struct{ query, codec, want string }{
		{"", "avc1.64001e", "webcodecs,mse"},
		{"?player=webcodecs", "avc1.64001e", "webcodecs"},
		{"?player=mse", "avc1.64001e", "mse"},
		{"?player=jpeg", "avc1.64001e", ""},
		{"", "jpeg", "jpeg"},
		{"?player=mse", "jpeg", "jpeg"},
		{"", "mp4v.20.9", ""},
	} {
		if got := b.evaluatePromise(playersScript + `("` + test.query + `", "` + test.codec + `")`); got != test.want {
			t.Errorf("%q with %s has the players %q, want %q", test.query, test.codec, got, test.want)
		}
	}
}
