package httpapi

import (
	"testing"
	"time"

	"camd/pkg/broker"
)

// A camera learns how often its viewers need a picture, on connections of every kind.
func TestStreamAsksForPicturesAtItsRate(t *testing.T) {
	servers := map[string]func(t *testing.T, cam Camera) *testServer{
		"plain": func(t *testing.T, cam Camera) *testServer { return startServer(t, Options{}, cam) },
		"tls":   func(t *testing.T, cam Camera) *testServer { s, _ := startTLS(t, Options{}, false, cam); return s },
		"http2": func(t *testing.T, cam Camera) *testServer { s, _ := startTLS(t, Options{}, true, cam); return s },
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			cam := newTestCamera("a")
			cam.publish(1)
			s := start(t, cam)
			for _, c := range []struct {
				query string
				want  time.Duration // the shortest of this viewer and those before
			}{{"?fps=0.000001", 24 * time.Hour}, {"?fps=0.1", 10 * time.Second}, {"?fps=0.5", 2 * time.Second}, {"?fps=8", 125 * time.Millisecond}, {"", 0}} {
				_, stream := s.watch(t, "/cameras/a/stream.mjpg"+c.query)
				nextPicture(t, stream)
				eventually(t, "the demand of "+c.query, func() bool {
					return cam.topic.Demand() == broker.Demand{Wanted: true, Frames: true, Period: c.want}
				})
			}
		})
	}
}
