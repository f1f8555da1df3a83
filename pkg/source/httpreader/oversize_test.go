package httpreader

import (
	"bytes"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/media"
)

// padJPEG returns a picture with n bytes of comments.
func padJPEG(jpeg []byte, bytesMore int) []byte {
	comment := append([]byte{0xFF, 0xFE, 0xFF, 0xFF}, make([]byte, 65533)...)
	return slices.Concat(jpeg[:2], bytes.Repeat(comment, bytesMore/len(comment)+1), jpeg[2:])
}

// serveLargeOrSmall serves pictures as a stream or one by one: large ones until small is set.
func serveLargeOrSmall(t *testing.T, stream bool, large, small []byte) (url string, isSmall *atomic.Bool) {
	isSmall = &atomic.Bool{}
	picture := func() []byte {
		if isSmall.Load() {
			return small
		}
		return large
	}
	url = serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if !stream {
			w.Header().Set("Content-Type", "image/jpeg")
			_, _ = w.Write(picture())
			return
		}
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
		for r.Context().Err() == nil {
			if _, err := w.Write(append([]byte("--b\r\n\r\n"), picture()...)); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	return url, isSmall
}

func TestHTTPPicturesBeyondTheLimitEndTheSource(t *testing.T) {
	small := testpeer.GrayJPEG(t, 64)
	large := padJPEG(small, 300_000)
	for name, stream := range map[string]bool{"stream": true, "poll": false} {
		t.Run(name+" begins with large pictures", func(t *testing.T) {
			url, _ := serveLargeOrSmall(t, stream, large, small)
			d := startRead(t, url, Options{FPS: 50, MaxBytes: 256 << 10})
			d.expectFailure(camera.TooLarge, "pictures of 0.3 MB exceed limits.frame_bytes (256 KiB)")
			if got, want := d.dropped(), (drop{media.TooLarge, int64(len(large))}); len(got) == 0 || got[0] != want {
				t.Errorf("dropped %+v, want %+v", got, want)
			}
		})
		t.Run(name+" continues with large pictures", func(t *testing.T) {
			url, isSmall := serveLargeOrSmall(t, stream, large, small)
			isSmall.Store(true)
			d := startRead(t, url, Options{ReadTimeout: 2 * time.Second, FPS: 50, MaxBytes: 256 << 10})
			d.frame()
			isSmall.Store(false)
			d.expectFailure(camera.TooLarge, "")
		})
	}
}

// An answer without a length is refused, too.
func TestPolledPictureWithoutLengthBeyondTheLimitIsRefused(t *testing.T) {
	large := padJPEG(testpeer.GrayJPEG(t, 64), 300_000)
	url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, _ = w.Write(large)
	})
	startRead(t, asPoll(url), Options{MaxBytes: 256 << 10}).expectFailure(camera.TooLarge, "")
}

// A stream with a few pictures beyond the limit continues with the others.
func TestStreamSkipsSinglePicturesBeyondTheLimit(t *testing.T) {
	small := testpeer.GrayJPEG(t, 64)
	large := padJPEG(small, 300_000)
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
		sendRepeatedly(w, r, slices.Concat(large, small))
	})
	d := startRead(t, url, Options{MaxBytes: 256 << 10})
	for range 2 * maxConsecutiveOversize {
		d.frame()
	}
}
