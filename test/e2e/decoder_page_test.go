package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"camd/internal/testpeer"
)

// The page of a camera shows the track that each rendition is made from, and what the decoder of the watched one uses.
func TestCameraPageShowsDecoders(t *testing.T) {
	t.Parallel()
	url := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264}).URL()
	d := start(t, options{config: fmt.Sprintf("cameras:\n  - {id: tower, source: '%s', substream: '%[1]s', renditions: {preview: {track: sub}}}\n", url)})
	d.waitForCamera("tower", "sending video", func(s state) bool { return s.sendsVideo("video") && s.sendsVideo("sub") })
	b := openBrowser(t, 1280, 900)
	b.do(chromedp.Navigate(d.URL + "/cameras/tower")) // this browser decodes the video
	b.waitForText("video", `document.querySelector('#view .pictures').dataset.track ?? ''`)
	b.waitForText("Idle, 0 starts", factScript("Video decoder"))
	b.do(chromedp.Navigate(d.URL + "/cameras/tower?player=jpeg"))
	b.waitForText("Live", pageState)
	b.waitForText("Decoded from the video", factScript("Rendition main"))
	b.waitForText("Decoded from the sub-stream", factScript("Rendition preview")+`.replace(', idle', '')`)
	b.waitForText("yes", `/^Running, \d+ % of one core, .* MB, \d+ start/.test(`+factScript("Video decoder")+`) ? 'yes' : ''`)
	b.waitForText("Idle, 0 starts", factScript("Sub-stream decoder"))
	b.checkConsole()
}
