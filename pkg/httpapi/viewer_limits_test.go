package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"camd/pkg/httpapi/viewers"
)

func TestViewersBeyondLimitsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
		says   string
		reason string
	}{
		{"in all", Limits{Viewers: 2}, "the limit of 2 viewers is reached", viewers.LimitViewers},
		{"of a camera", Limits{PerCamera: 2}, `the limit of 2 viewers for camera "a" is reached`, viewers.LimitPerCamera},
		{"from an address", Limits{PerAddress: 2}, "the limit of 2 streams for your address is reached", viewers.LimitPerAddress},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := newTestCamera("a"), newTestCamera("b")
			a.publish(1)
			b.publish(1)
			s := startServer(t, Options{Config: Config{Limits: c.limits}}, a, b)
			s.watch(t, "/cameras/a/stream.mjpg")
			_, second := s.watch(t, "/cameras/a/stream.mjpg")
			resp := s.get(t, "/cameras/a/stream.mjpg")
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(body(t, resp), c.says) {
				t.Errorf("third viewer: %s", resp.Status)
			}
			if n := s.viewers.Stats().Refused[c.reason]; n != 1 {
				t.Errorf("%d refused for %s, want 1", n, c.reason)
			}
			other := s.get(t, "/cameras/b/stream.mjpg")
			if want := map[bool]int{true: 200, false: 503}[c.reason == viewers.LimitPerCamera]; other.StatusCode != want {
				t.Errorf("another camera's viewer: %s, want %d", other.Status, want)
			}
			// Present viewers are not affected.
			nextPicture(t, second)
			a.publish(2)
			if string(nextPicture(t, second)) != string(picture(2)) {
				t.Error("a viewer that was there lost a frame")
			}
		})
	}
}
