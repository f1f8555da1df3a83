package capture

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

func serveHTTP(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestFFmpegLogsInOverHTTP(t *testing.T) {
	video := tsSegment(t)
	source := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "viewer" || password != secret {
			w.Header().Set("Www-Authenticate", `Basic realm="cam"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "video/mp2t")
		_, _ = w.Write([]byte(video))
	})
	d := startCapture(t, wire.Start{Source: source + "/video.ts", User: "viewer", Password: secret, Capture: options.Capture{Reader: options.ReaderOpenCV}})
	d.send(wire.Demand{Wanted: true})
	if o, _ := awaitMessage[wire.Opened](d); o.Backend != "FFMPEG" {
		t.Errorf("got %+v", o)
	}
	d.frame()
}

func TestOpenCVCannotPoll(t *testing.T) {
	d := startCapture(t, wire.Start{Source: "http+poll://127.0.0.1/snapshot.jpg", Capture: options.Capture{Reader: options.ReaderOpenCV}})
	if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(camera.BadStream) || !strings.Contains(e.Detail, "set reader to auto or go") {
		t.Errorf("got %+v", e)
	}
}
