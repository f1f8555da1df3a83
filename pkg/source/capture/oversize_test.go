package capture

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
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
	small := testJPEG(t, 64)
	large := padJPEG(small, 300_000)
	for name, stream := range map[string]bool{"stream": true, "poll": false} {
		t.Run(name+" begins with large pictures", func(t *testing.T) {
			url, _ := serveLargeOrSmall(t, stream, large, small)
			d := startCapture(t, wire.Start{Source: url, Capture: options.Capture{FPS: 50, Limits: media.Limits{Bytes: 256 << 10}}})
			got, _ := awaitMessage[wire.Refused](d)
			if got.Pictures[media.TooLarge] == 0 || got.Size != int64(len(large)) {
				t.Errorf("refused %+v, want pictures of %d bytes", got, len(large))
			}
			e, _ := awaitMessage[wire.Ended](d)
			if want := "pictures of 0.3 MB exceed limits.frame_bytes (256 KiB)"; e.Reason != string(camera.TooLarge) || e.Detail != want {
				t.Errorf("got %+v, want %q", e, want)
			}
		})
		t.Run(name+" continues with large pictures", func(t *testing.T) {
			url, isSmall := serveLargeOrSmall(t, stream, large, small)
			isSmall.Store(true)
			d := startCapture(t, wire.Start{Source: url, ReadTimeout: 2 * time.Second, Capture: options.Capture{FPS: 50, Limits: media.Limits{Bytes: 256 << 10}}})
			d.send(wire.Demand{Wanted: true})
			d.frame()
			isSmall.Store(false)
			if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(camera.TooLarge) {
				t.Errorf("got %+v, want reason %q", e, camera.TooLarge)
			}
		})
	}
}

// An answer without a length is refused, too.
func TestPolledPictureWithoutLengthBeyondTheLimitIsRefused(t *testing.T) {
	large := padJPEG(testJPEG(t, 64), 300_000)
	url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, _ = w.Write(large)
	})
	d := startCapture(t, wire.Start{Source: strings.Replace(url, "http:", "http+poll:", 1), Capture: options.Capture{Limits: media.Limits{Bytes: 256 << 10}}})
	if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(camera.TooLarge) {
		t.Errorf("got %+v, want reason %q", e, camera.TooLarge)
	}
}

// A stream with a few pictures beyond the limit continues with the others.
func TestStreamSkipsSinglePicturesBeyondTheLimit(t *testing.T) {
	small := testJPEG(t, 64)
	large := padJPEG(small, 300_000)
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
		sendRepeatedly(w, r, slices.Concat(large, small))
	})
	d := startCapture(t, wire.Start{Source: url, Capture: options.Capture{Limits: media.Limits{Bytes: 256 << 10}}})
	d.send(wire.Demand{Wanted: true})
	for range 2 * maxConsecutiveOversize {
		d.frame()
	}
}

// Pictures that camd-capture encodes are refused, too.
func TestEncodedPicturesBeyondTheLimitAreRefused(t *testing.T) {
	d := startCapture(t, wire.Start{Source: "test://?size=640x480&fps=30", Capture: options.Capture{Quality: 100, Limits: media.Limits{Bytes: 1000}}})
	d.send(wire.Demand{Wanted: true})
	if got, _ := awaitMessage[wire.Refused](d); got.Pictures[media.TooLarge] == 0 || got.Size <= 1000 {
		t.Errorf("refused %+v", got)
	}
}
