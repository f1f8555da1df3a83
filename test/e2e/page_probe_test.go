package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

// The probe reads numbers from a video that a browser plays.
func TestProbeReadsNumbers(t *testing.T) {
	t.Parallel()
	clip := numberedClip{Frames: 50, First: 1000}.make(t)
	server := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/clip.mp4":
			http.ServeFile(w, r, clip)
		case "/":
			_, _ = fmt.Fprint(w, `<!DOCTYPE html><link rel="icon" href="data:"><div id="view"><video src="/clip.mp4" muted autoplay data-shown></video></div>`)
		default:
			http.NotFound(w, r)
		}
	}))
	for _, p := range []webPage{openVideoBrowser(t, 800, 600), openVideoFirefox(t, 800, 600)} {
		p.open(server + "/")
		p.waitForText("1049", fmt.Sprintf(`probe.number(%q)`, cameraPage)) // the last picture
		p.waitForText("1049", `probe.visibleNumbers('a')`)
		if got := p.evaluate(fmt.Sprintf(`probe.size(%q)`, cameraPage)); got != "320x176" {
			t.Errorf("size %s", got)
		}
		samplePictures(p, cameraPage)
		p.evaluate(`(v => { v.currentTime = 0; v.play(); return ''; })(document.querySelector('video'))`)
		waitForSamples(p, 10)
		if s := endSamples(p); s.Damaged > 0 {
			t.Errorf("%+v", s)
		}
		p.checkConsole()
	}
}
