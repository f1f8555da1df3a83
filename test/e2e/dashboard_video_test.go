package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// The dashboard decodes the cameras' video with WebCodecs. camd runs no decoder for it.
func TestDashboardDecodesVideo(t *testing.T) {
	t.Parallel()
	w := startVideoWall(t, "")
	b := openVideoBrowser(t, 1280, 800)
	b.open(w.URL + "/")
	waitForTrack(b, tileOf("a"), "sub WebCodecs")
	waitForTrack(b, tileOf("b"), "video WebCodecs")
	waitForNewPictures(b, tileOf("a"), w.sub)
	waitForNewPictures(b, tileOf("b"), w.plain)
	w.checkNothingDecoded()
	b.checkConsole()
}

// brokenPlayers breaks players if the address of the page has their names. window.repair repairs them.
const brokenPlayers = `(() => {
	const { Worker } = window;
	const { addSourceBuffer } = MediaSource.prototype;
	const fail = () => { throw new Error('broken by a test'); };
	if (location.search.includes('webcodecs')) window.Worker = class { constructor() { fail(); } };
	if (location.search.includes('mse')) MediaSource.prototype.addSourceBuffer = fail;
	window.repair = () => {
		window.Worker = Worker;
		MediaSource.prototype.addSourceBuffer = addSourceBuffer;
		return '';
	};
})()`

// When a player fails, the page changes to the next kind of player, and to JPEGs when none works. It tries again when it is shown again.
func TestBrowserReplacesPlayersThatFail(t *testing.T) {
	t.Parallel()
	w := startVideoWall(t, "")
	b := openVideoBrowser(t, 1280, 800)
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: brokenPlayers}); err != nil {
		t.Fatal(err)
	}
	b.open(w.URL + "/?broken=webcodecs")
	waitForTrack(b, tileOf("a"), "sub MSE")
	waitForTrack(b, tileOf("b"), "video MSE")
	waitForNewPictures(b, tileOf("a"), w.sub)
	waitForNewPictures(b, tileOf("b"), w.plain)
	w.checkNothingDecoded()
	b.open(w.URL + "/?broken=webcodecs#a")
	waitForTrack(b, singleView, "video MSE")
	b.press("i")
	eventually(t, "the problem", func() bool { return b.evaluate(detailScript("Decoder problem")) != "" })

	b.open(w.URL + "/?broken=webcodecs,mse")
	waitForTrack(b, tileOf("a"), "preview JPEG")
	waitForStream(b, "a", "preview", "decoder")
	waitForNewPictures(b, tileOf("b"), w.plain)

	b.evaluate(`window.repair()`)
	b.hide()
	b.show()
	waitForTrack(b, tileOf("a"), "sub WebCodecs")
	waitForTrack(b, tileOf("b"), "video WebCodecs")
	waitForNewPictures(b, tileOf("a"), w.sub)
}
