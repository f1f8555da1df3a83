package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/fanout"
)

func TestViewersBeyondLimitsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
		says   string
		reason string
	}{
		{"in all", Limits{Viewers: 2}, "2 viewers are connected, as many as this server allows", limitViewers},
		{"of a camera", Limits{PerCamera: 2}, `2 viewers watch camera "a", as many as may`, limitPerCamera},
		{"from an address", Limits{PerAddress: 2}, "2 streams go to your address, as many as may", limitPerAddress},
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
			if n := s.viewers.collectStats().refused[c.reason]; n != 1 {
				t.Errorf("%d refused for %s, want 1", n, c.reason)
			}
			other := s.get(t, "/cameras/b/stream.mjpg")
			if want := map[bool]int{true: 200, false: 503}[c.reason == limitPerCamera]; other.StatusCode != want {
				t.Errorf("another camera's viewer: %s, want %d", other.Status, want)
			}
			// Nobody who is there notices.
			nextPicture(t, second)
			a.publish(2)
			if string(nextPicture(t, second)) != string(picture(2)) {
				t.Error("a viewer that was there lost a frame")
			}
		})
	}
}

func TestTotalBytesLimitRefusesNewViewers(t *testing.T) {
	a := newViewerRegistry()
	a.setLimits(Limits{Viewers: 500, TotalBytesPerSecond: 1000})
	connect := func() (*viewer, error) {
		v := newViewer(streamKey{camera: "a"}, httptest.NewRequest(http.MethodGet, "http://localhost/", nil), false)
		return v, a.add(v)
	}
	v, err := connect()
	if err != nil {
		t.Fatal(err)
	}
	v.Bytes.Add(5000)
	a.measured.at = time.Now().Add(-2 * time.Second) // as if it had measured nothing two seconds ago
	if _, err := connect(); err == nil {
		t.Error("admitted at 2500 bytes a second, limit 1000")
	}
	a.measured.at, a.measured.bytes = time.Now().Add(-10*time.Second), 5000
	late, err := connect()
	if err != nil {
		t.Errorf("refused though nothing is sent any more: %v", err)
	}
	a.remove(v, "")
	a.remove(late, "")
	if len(a.perAddress)+len(a.perCamera) != 0 {
		t.Errorf("%v %v remembered", a.perAddress, a.perCamera)
	}
}

func TestByteLimiterHoldsTheRate(t *testing.T) {
	b, at, n := &byteLimiter{rate: 1000}, time.Unix(1700000000, 0), 0
	for range 300 { // ten seconds of 30 fps, 100 bytes each: 3000 bytes a second
		if b.allow(100, at) {
			n++
		}
		at = at.Add(time.Second / 30)
	}
	if n < 105 || n > 115 { // ten seconds' worth and the second's in the bucket
		t.Errorf("%d frames of 100 bytes in ten seconds at 1000 bytes a second", n)
	}
	b, n = &byteLimiter{rate: 1000}, 0
	for range 60 { // each frame is larger than a second's worth
		if b.allow(5000, at) {
			n++
		}
		at = at.Add(time.Second)
	}
	if n < 11 || n > 13 {
		t.Errorf("%d frames of 5000 bytes in 60 seconds at 1000 bytes a second", n)
	}
}

func TestFrameFilterReportsTheLimit(t *testing.T) {
	filter, at := newFrameFilter(10, 1000), time.Unix(1700000000, 0)
	var got [3]int
	for range 60 {
		got[filter(&broker.Frame{Captured: at, Part: make([]byte, 200)})]++
		at = at.Add(time.Second / 20)
	}
	// Three seconds: half of the frames are due, and those take 2000 bytes a second, of which 1000 are there.
	if got[fanout.SkipRate] != 30 || got[fanout.SkipOverLimit] < 8 || got[fanout.Send]+got[fanout.SkipOverLimit] != 30 {
		t.Errorf("shown %d, too often %d, too much %d", got[fanout.Send], got[fanout.SkipRate], got[fanout.SkipOverLimit])
	}
}
