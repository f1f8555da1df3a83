package e2e

import (
	"bytes"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"
	"time"

	"camd/pkg/source/framenumber"
)

// Every camera has a preview without configuration. It is made only while it is watched, is small and slow, and its viewers share it.
func TestPreviewIsSmallAndOnDemand(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - id: gate\n    source: 'test://?size=1280x720&fps=30'\n" +
		"    renditions: {thumb: {width: 160, fps: 1}}\n  - {id: asleep, source: 'test://', on_demand: true}\n"})
	d.waitForState("gate", "live")
	const made = `camd_camera_frames_published_total{camera="gate",rendition="preview"}`
	if n := d.metric(made); n != 0 {
		t.Errorf("%v previews without viewers", n)
	}
	url := d.URL + "/cameras/gate/stream.mjpg?rendition=preview"
	one, other := watch(t, url), watch(t, url)
	var times []time.Time // of different pictures: one may be repeated
	for len(times) < 6 {
		p, err := one.read()
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(p.jpeg))
		if err != nil || img.Bounds().Dx() != 640 || img.Bounds().Dy() != 360 {
			t.Fatalf("%v, %v", img.Bounds(), err)
		}
		if _, ok := framenumber.Decode(img); !ok {
			t.Error("its number cannot be read")
		}
		if q, err := other.read(); err != nil || !bytes.Equal(p.jpeg, q.jpeg) && p.captured == q.captured {
			t.Errorf("the other viewer got another picture: %v", err)
		}
		if len(times) == 0 || p.captured != times[len(times)-1] {
			times = append(times, p.captured)
		}
	}
	if span := times[5].Sub(times[0]); span < 900*time.Millisecond {
		t.Errorf("six pictures within %v, want at most 5 fps", span)
	}
	if n := d.metric(`camd_viewers{camera="gate",rendition="preview",transport="http1"}`); n != 2 {
		t.Errorf("%v viewers, want 2", n)
	}

	for _, id := range []string{"gate", "asleep"} {
		var body []byte
		eventually(t, "a snapshot of "+id, func() (ok bool) { // a request waits ten seconds for a picture
			var code int
			code, _, body = get(t, d.URL+"/cameras/"+id+"/snapshot.jpg?rendition=preview")
			return code == http.StatusOK
		})
		if size, err := jpeg.DecodeConfig(bytes.NewReader(body)); err != nil || size.Width != 640 {
			t.Errorf("%s: %v, %d wide", id, err, size.Width)
		}
	}
	code, _, body := get(t, d.URL+"/cameras/gate/stream.mjpg?rendition=huge")
	if code != http.StatusNotFound || !strings.Contains(string(body), `no rendition "huge": its renditions are main, preview, thumb`) {
		t.Errorf("%d %s", code, body)
	}
	one.close()
	other.close()
	eventually(t, "previews to end", func() bool {
		before := d.metric(made)
		since := d.camera("gate").Counts.Captured
		d.waitForCamera("gate", "30 pictures on", func(s state) bool { return s.Counts.Captured > since+30 })
		return d.metric(made) == before
	})
}

// The preview of a slow camera is its newest picture; it does not wait for the next one.
func TestPreviewOfSlowCameraIsItsNewestPicture(t *testing.T) {
	t.Parallel()
	photo := readFile(t, truncateFirstPicture(t, mjpegClip.Make(t), 1))
	web := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(photo)
	}))
	d := start(t, options{config: "cameras:\n  - id: slow\n    source: '" + strings.Replace(web, "http:", "http+poll:", 1) + "'\n    fps: 0.001\n" +
		"    renditions: {thumb: {width: 160, fps: 0.001}}\n"})
	d.waitForState("slow", "live")
	code, header, body := get(t, d.URL+"/cameras/slow/snapshot.jpg?rendition=thumb")
	if size, err := jpeg.DecodeConfig(bytes.NewReader(body)); code != http.StatusOK || err != nil || size.Width != 160 {
		t.Errorf("%d, %v, %d wide, %s", code, err, size.Width, header.Get("X-Camd-State"))
	}
}
