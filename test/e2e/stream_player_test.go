package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// startScript makes a player of a stream whose worker never starts, and lets the time of the page pass. It returns what the player reports.
const startScript = `(async () => {
	const timers = [];
	globalThis.setTimeout = (call, delay) => timers.push({ call, delay });
	globalThis.clearTimeout = (id) => { delete timers[id - 1]; };
	globalThis.Worker = class { postMessage() {} terminate() {} };
	const { StreamPlayer } = await import('/assets/stream_player.js');
	const { PictureDisplay } = await import('/assets/picture_display.js');
	const reports = [];
	const note = (name) => (...values) => reports.push([name, ...values].join(' '));
	const entry = new Uint8Array(78);
	const box = (kind, ...parts) => {
		const content = parts.flatMap((part) => [...part]);
		return [0, 0, 0, 8 + content.length, ...[...kind].map((c) => c.charCodeAt(0)), ...content];
	};
	const stsd = box('stsd', new Uint8Array(8), box('avc1', entry, box('avcC', [1])));
	const init = Uint8Array.from(box('moov', box('trak', box('mdia', box('minf', box('stbl', stsd))))));
	const display = new PictureDisplay(document.createElement('div'));
	const stream = { camera: 'gate', stream: 1, track: 'video', codec: 'avc1.64001e', view: 'grid', width: 640, height: 360, problem: '', init };
	const player = new StreamPlayer(stream, display, ['webcodecs'], {
		onTaken: note('taken'), onPicture: note('picture'), onKindFailed: note('kind failed'), onFailed: note('failed'), onKeyframeNeeded: note('keyframe'),
	});
	player.write({ seq: 5, key: true, pts: 0, offset: 0, taken: 0, data: new Uint8Array(9) });
	player.write({ seq: 6, key: false, pts: 40000, offset: 0, taken: 0, data: new Uint8Array(9) });
	for (const { call, delay } of Object.values(timers)) if (delay <= 30000) call();
	return reports.join('; ');
})()`

// A player that never starts is replaced before camd disconnects the page for want of acknowledgements.
func TestBrowserReplacesPlayersThatDoNotStart(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, source: 'test://?size=320x180&fps=1'}\n"})
	b := openBrowser(t, 800, 600)
	b.do(chromedp.Navigate(d.URL + "/assets/theme.js"))
	if got, want := b.evaluatePromise(startScript), "taken 6; kind failed webcodecs the player does not start; failed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
