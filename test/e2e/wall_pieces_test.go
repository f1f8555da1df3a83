package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// piecesScript gives the wall's client a part of a frame of a stream, does something, and gives it the rest. It returns how often the
// client has connected and how many bytes it keeps of incomplete frames.
const piecesScript = `(async (action) => {
	let connections = 0;
	let socket;
	globalThis.WebSocket = class {
		static OPEN = 1;
		constructor() { connections++; socket = this; this.readyState = 1; }
		send() {}
		close() {}
	};
	const { WallClient } = await import('/assets/wall.js');
	const { LiveView } = await import('/assets/live_view.js');
	const ready = Promise.withResolvers();
	const client = new WallClient({ onConnection: ready.resolve, onRefused() {} });
	client.watch([['gate', 'grid', new LiveView(document.createElement('div'))]]);
	socket.onopen();
	await ready.promise;
	const tell = (message) => socket.onmessage({ data: JSON.stringify(message) });
	const begin = (stream) => tell({ type: 'stream', camera: 'gate', stream, track: 'preview', codec: 'jpeg', width: 0, height: 0, reason: '' });
	const piece = (stream, offset) => {
		const view = new DataView(new ArrayBuffer(40 + 100));
		view.setUint8(0, 2);
		view.setUint16(2, stream);
		view.setUint32(4, 200);
		view.setUint32(8, offset);
		socket.onmessage({ data: view.buffer });
	};
	begin(1);
	piece(1, 0);
	if (action === 'pause') client.pause(true);
	if (action === 'pause and resume') [true, false].forEach((paused) => client.pause(paused));
	if (action === 'unsubscribe') client.watch([]);
	if (action === 'another stream') begin(2);
	if (action === 'clear') tell({ type: 'clear', camera: 'gate' });
	else piece(1, 100);
	return connections + ' ' + client.assembler.incompleteBytes;
})`

// The rest of a frame can arrive after its stream has ended in the browser. That is no reason to connect again, and no part of a picture
// stays.
func TestBrowserIgnoresRestOfFramesOfEndedStreams(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: gate, source: 'test://?size=320x180&fps=1'}\n"})
	b := openBrowser(t, 800, 600)
	for _, action := range []string{"nothing", "pause", "pause and resume", "unsubscribe", "another stream", "clear"} {
		b.do(chromedp.Navigate(d.URL + "/assets/theme.js"))
		if got := b.evaluatePromise(piecesScript + `("` + action + `")`); got != "1 0" {
			t.Errorf("after %s: connections and bytes %q", action, got)
		}
	}
}
