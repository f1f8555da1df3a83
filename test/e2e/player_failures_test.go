package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// failuresScript lets players fail. Each time that passes is one call of the timer. It returns what is known at each step.
const failuresScript = `(async () => {
	const timers = [];
	globalThis.setTimeout = (call, delay) => timers.push({ call, delay });
	const { PlayerFailures } = await import('/assets/player_failures.js');
	const stream = { camera: 'gate', track: 'video', codec: 'avc1.64001e' };
	const steps = [];
	const failures = new PlayerFailures(() => steps.push('forgotten'));
	const note = () => steps.push(['webcodecs', 'mse'].filter((kind) => failures.has(stream, kind)).join('+') + ':' + failures.problemOf('gate'));
	for (const problem of ['broken', 'again']) {
		failures.add(stream, 'webcodecs', problem);
		failures.add(stream, 'mse', problem);
		note();
		timers.at(-1).call();
		note();
	}
	failures.add(stream, 'mse', 'more');
	failures.clear();
	note();
	failures.add(stream, 'mse', 'last');
	return [...steps, ...timers.map(({ delay }) => delay / 60000)].join(' ');
})()`

// The browser forgets failures of players after ten minutes, then after twenty and so on.
func TestBrowserForgetsFailuresOfPlayers(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, source: 'test://?size=320x180&fps=1'}\n"})
	b := openBrowser(t, 800, 600)
	b.do(chromedp.Navigate(d.URL + "/assets/theme.js"))
	want := "webcodecs+mse:broken forgotten : webcodecs+mse:again forgotten : : 10 20 40 10"
	if got := b.evaluatePromise(failuresScript); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
