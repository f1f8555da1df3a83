package e2e

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"

	"camd/pkg/source/framenumber"
)

// checkHomeAssistant watches a stream through an imitation of Home Assistant's MJPEG integration.
func checkHomeAssistant(t *testing.T, stream, still string) {
	path := pythonWithModule(t, "requests, aiohttp", "python3-aiohttp python3-requests")
	cmd := exec.Command(path, "testdata/homeassistant.py", stream, still)
	said := startBackground(t, cmd)
	var port []string
	eventually(t, "the port of the imitation", func() bool {
		port = regexp.MustCompile(`port (\d+)\n`).FindStringSubmatch(said.String())
		return port != nil
	})
	url := "http://127.0.0.1:" + port[1]
	for _, path := range []string{"/cut", "/still"} {
		var all []uint32
		eventually(t, path+" to show a later picture", func() bool {
			code, _, body := get(t, url+path)
			n, ok := picture{jpeg: body}.frameNumber()
			if code != http.StatusOK || !ok {
				t.Fatalf("%s: %d, %d bytes without a frame number", path, code, len(body))
			}
			all = append(all, n)
			return len(all) >= 3 && n > all[0]
		})
		checkIncreasing(t, all, 2)
	}
	v := watch(t, url+"/stream")
	defer v.close()
	untilDifferent(t, 25, func() (all []uint32) {
		for range 30 {
			p, err := v.read()
			n, ok := p.frameNumber()
			if !ok {
				t.Fatalf("stream: %d bytes without a frame number, %v", len(p.jpeg), err)
			}
			all = append(all, n)
		}
		return all
	})
}

// checkOctoPrintPage shows a stream as OctoPrint's page does: as an image of another server, with the time in its address.
func checkOctoPrintPage(t *testing.T, stream string) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><link rel="icon" href="data:,"><body style="margin: 0; overflow: hidden">
			<img id="webcam_image"><script>webcam_image.src = "`+stream+`&" + Date.now()</script>`)
	}))
	defer page.Close()
	b := openBrowser(t, 640, 352) // the picture's size
	b.do(chromedp.Navigate(page.URL))
	var all []uint32
	eventually(t, "the page's picture to move", func() bool {
		shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(shot))
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := framenumber.Decode(img); ok {
			all = append(all, n)
		}
		return len(all) >= 10 && countDifferent(all) >= 3
	})
	checkIncreasing(t, all, 3)
	b.checkConsole()
	b.do(chromedp.Navigate("about:blank")) // ends the stream before its server
}
