package e2e

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// Snapshots have the headers and status codes that polling programs rely on.
func TestSnapshotIsNewestPicture(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: `
cameras:
  - id: slow
    source: test://?size=320x180&fps=2
  - id: none
    source: /dev/camd-has-no-such-device
`})
	d.waitForState("slow", "live")
	url := d.URL + "/cameras/slow/snapshot.jpg"
	code, h, body := get(t, url)
	if code != http.StatusOK || !isJPEG(body) {
		t.Fatalf("%d: %d bytes", code, len(body))
	}
	if got := h.Get("Content-Length"); got != strconv.Itoa(len(body)) {
		t.Errorf("Content-Length %s for %d bytes", got, len(body))
	}
	age, err1 := strconv.ParseFloat(h.Get("X-Camd-Age"), 64)
	taken, err2 := strconv.ParseFloat(h.Get("X-Timestamp"), 64)
	const rounding = 0.0005 // of the age, in seconds
	if now := float64(time.Now().UnixMicro()) / 1e6; err1 != nil || err2 != nil || age < 0 || taken+age > now+rounding || h.Get("X-Camd-State") != "live" {
		t.Errorf("headers %v at %f", h, now)
	}
	t.Run("conditional", func(t *testing.T) {
		// Another picture, with a new ETag, may come in between.
		eventually(t, "304", func() bool {
			_, h, _ := get(t, url)
			code, again, body := get(t, url, "If-None-Match", h.Get("ETag"))
			if code == http.StatusOK && again.Get("ETag") == h.Get("ETag") || code == http.StatusNotModified && len(body) > 0 {
				t.Fatalf("%d with %d bytes for the same ETag %s", code, len(body), h.Get("ETag"))
			}
			return code == http.StatusNotModified
		})
		_, now, _ := get(t, url+"?fresh=1")
		if now.Get("ETag") == h.Get("ETag") {
			t.Error("a fresh picture has the ETag of an older one")
		}
	})
	t.Run("head", func(t *testing.T) {
		code, h, body := request(t, http.MethodHead, url)
		if n, _ := strconv.Atoi(h.Get("Content-Length")); code != http.StatusOK || len(body) != 0 || n < 1000 || h.Get("ETag") == "" {
			t.Errorf("%d, %v", code, h)
		}
	})
	t.Run("not live", func(t *testing.T) {
		d.waitForState("none", "offline")
		code, h, body := get(t, d.URL+"/cameras/none/snapshot.jpg")
		if code != http.StatusServiceUnavailable || !isJPEG(body) || h.Get("Retry-After") == "" || h.Get("X-Camd-State") != "offline" || h.Get("ETag") != "" {
			t.Errorf("%d, %v, %d bytes", code, h, len(body))
		}
	})
}
