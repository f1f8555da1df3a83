package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// pictureCamera is a camera that sends 25 pictures a second over HTTP, each with its number in a comment.
type pictureCamera struct {
	url  string
	sent atomic.Int64
	edit atomic.Pointer[func(jpeg []byte) []byte] // changes each picture
}

func servePictures(t *testing.T, edit func([]byte) []byte) *pictureCamera {
	t.Helper()
	c := &pictureCamera{}
	c.edit.Store(&edit)
	picture := noisyJPEG(t, 640, 360)
	c.url = serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
		pace := time.NewTicker(40 * time.Millisecond)
		defer pace.Stop()
		for {
			edit := *c.edit.Load()
			b := edit(markedJPEG(picture, c.sent.Add(1)))
			_, err := fmt.Fprintf(w, "--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(b), b)
			if err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-pace.C:
			case <-r.Context().Done():
				return
			}
		}
	}))
	return c
}

const cameraMark = "picture of the camera "

// markedJPEG puts a comment into a picture.
func markedJPEG(b []byte, number int64) []byte {
	text := fmt.Sprintf("%s%08d", cameraMark, number)
	out := append([]byte{0xFF, 0xD8, 0xFF, 0xFE, 0, byte(len(text) + 2)}, text...)
	return append(out, b[2:]...)
}

func isMarked(p picture) bool { return bytes.Contains(p.jpeg, []byte(cameraMark)) }

func noisyJPEG(t *testing.T, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	for y := range height {
		for x := range width {
			n := uint8(random.UintN(32))
			img.Set(x, y, color.RGBA{uint8(x/4) + n, uint8(y/4) + n, uint8(x+y) + n, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 75}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unchanged(b []byte) []byte { return b }

// truncateScan cuts a picture in the middle of its data and adds an end marker.
func truncateScan(b []byte) []byte {
	n := len(b) / 2
	for b[n-1] == 0xFF {
		n++
	}
	return append(bytes.Clone(b[:n]), 0xFF, 0xD9)
}

// claimHuge sets the size in the header to 65500x65500.
func claimHuge(b []byte) []byte {
	b = bytes.Clone(b)
	at := bytes.Index(b, []byte{0xFF, 0xC0})
	binary.BigEndian.PutUint16(b[at+5:], 65500)
	binary.BigEndian.PutUint16(b[at+7:], 65500)
	return b
}

// A camera that sends only unusable pictures is never live, and its viewers see the placeholder. It becomes live when its pictures are
// good. Before camd checked pictures, all 235 pictures of this test were delivered.
func TestUnusablePicturesAreNeverShown(t *testing.T) {
	const pictures = 235
	for _, tt := range []struct {
		name          string
		edit          func([]byte) []byte
		reason, cause string
	}{
		{"cut in mid-scan", truncateScan, "damaged", "damaged"},
		{"65500x65500", claimHuge, "too_large", "too_large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := servePictures(t, tt.edit)
			d := start(t, options{config: fmt.Sprintf("cameras:\n  - {id: cam, source: %q, stall_timeout: 1s}\n", c.url)})
			v := watch(t, d.URL+"/cameras/cam/stream.mjpg")
			delivered := 0
			for c.sent.Load() < pictures {
				p, err := v.read()
				if err != nil {
					t.Fatal(err)
				}
				if isMarked(p) {
					delivered++
				}
			}
			if delivered != 0 {
				t.Errorf("a viewer got %d of %d pictures, want none", delivered, c.sent.Load())
			}
			s := d.waitForCamera("cam", "offline for the damage", func(s state) bool { return s.Reason == tt.reason || s.State == "live" })
			if s.State == "live" || s.ReasonText == "" || s.Detail == "" || s.Counts.Refused[tt.cause] == 0 {
				t.Errorf("%s, %s (%s): %s; refused %v", s.State, s.Reason, s.ReasonText, s.Detail, s.Counts.Refused)
			}
			t.Logf("%d of %d delivered; %s, %s: %s; refused %v", delivered, c.sent.Load(), s.State, s.Reason, s.Detail, s.Counts.Refused)
			good := unchanged
			c.edit.Store(&good)
			d.waitForState("cam", "live")
			v.waitFor("a picture of the camera", isMarked)
		})
	}
}

// A camera whose pictures become damaged is taken off live.
func TestCameraWithTruncatedPicturesIsTakenOffLive(t *testing.T) {
	c := servePictures(t, unchanged)
	d := start(t, options{config: fmt.Sprintf("cameras:\n  - {id: cam, source: %q, stall_timeout: 1s}\n", c.url)})
	d.waitForState("cam", "live")
	v := watch(t, d.URL+"/cameras/cam/stream.mjpg")
	v.waitFor("a picture of the camera", isMarked)
	cut := truncateScan
	c.edit.Store(&cut)
	delivered := 0
	v.waitFor("the placeholder", func(p picture) bool {
		if isMarked(p) && !isJPEG(p.jpeg) {
			delivered++
		}
		return !isMarked(p)
	})
	// On a busy machine the camera may have stalled before.
	s := d.waitForCamera("cam", "taken off live for damaged pictures", func(s state) bool {
		return s.State != "live" && s.Reason == "damaged" && s.Counts.Refused["damaged"] > 0
	})
	t.Logf("%d cut pictures delivered before the camera was taken off; refused %v", delivered, s.Counts.Refused)
	good := unchanged
	c.edit.Store(&good)
	d.waitForState("cam", "live")
	v.waitFor("a picture of the camera", isMarked)
}
