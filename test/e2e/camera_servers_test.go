package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// The clips of cameras that are no test pattern. Their sides are multiples of 16, because RTP counts the sides of a JPEG in units of 8.
var (
	h264Clip  = testpeer.Clip{Codec: "h264", Size: "320x176"}
	mjpegClip = testpeer.Clip{Codec: "mjpeg", Size: "320x176"}
	webClip   = testpeer.Clip{Codec: "mjpeg", Size: "480x272"}
)

// serveHTTP runs a web server for the test and returns its address.
func serveHTTP(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// servePictureTimes sends a picture n times, 20 times a second, and closes the connection.
func servePictureTimes(jpeg []byte, n int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
		pace := time.NewTicker(50 * time.Millisecond)
		defer pace.Stop()
		for range n {
			_, err := fmt.Fprintf(w, "--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(jpeg), jpeg)
			if err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-pace.C:
			case <-r.Context().Done():
				return
			}
		}
	})
}

// serveWrongContent serves answers that are no streams, and half pictures.
func serveWrongContent(half http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html><body>Log in") })
	mux.HandleFunc("/gone", http.NotFound)
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out of order", http.StatusInternalServerError)
	})
	mux.Handle("/half", half)
	return mux
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// truncateFile copies the beginning of a file.
func truncateFile(t *testing.T, path string, part float64) string {
	t.Helper()
	b := readFile(t, path)
	return write(t, t.TempDir(), "cut"+filepath.Ext(path), string(b[:int(float64(len(b))*part)]))
}

// truncateFirstPicture copies the beginning of a clip's first picture.
func truncateFirstPicture(t *testing.T, clip string, part float64) string {
	t.Helper()
	picture := filepath.Join(t.TempDir(), "whole.mjpeg")
	o := run(t, testpeer.RequireProgram(t, "ffmpeg", "ffmpeg"), "-nostdin", "-v", "error", "-i", clip, "-frames:v", "1", "-c", "copy", "-f", "mjpeg", picture)
	if o.code != 0 {
		t.Fatalf("%+v", o)
	}
	return truncateFile(t, picture, part)
}
