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

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
		says   string
		reason string
	}{
		{"in all", Limits{Viewers: 2}, "2 viewers are connected, as many as this server allows", fullTotal},
		{"of a camera", Limits{PerCamera: 2}, `2 viewers watch camera "a", as many as may`, fullCamera},
		{"from an address", Limits{PerAddress: 2}, "2 streams go to your address, as many as may", fullAddress},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := newTestCamera("a"), newTestCamera("b")
			a.publish(1)
			b.publish(1)
			s := open(t, Options{Roster: Roster{Limits: c.limits}}, a, b)
			s.watch(t, "/cameras/a/stream.mjpg")
			_, second := s.watch(t, "/cameras/a/stream.mjpg")
			resp := s.get(t, "/cameras/a/stream.mjpg")
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(body(t, resp), c.says) {
				t.Errorf("third viewer: %s", resp.Status)
			}
			if n := s.audience.count().refused[c.reason]; n != 1 {
				t.Errorf("%d refused for %s, want 1", n, c.reason)
			}
			other := s.get(t, "/cameras/b/stream.mjpg")
			if want := map[bool]int{true: 200, false: 503}[c.reason == fullCamera]; other.StatusCode != want {
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

func TestOverallBytesRefuseNewcomers(t *testing.T) {
	a := newAudience()
	a.limit(Limits{Viewers: 500, BytesOverall: 1000})
	visit := func() (*viewer, error) {
		v := newViewer(seat{camera: "a"}, httptest.NewRequest(http.MethodGet, "http://localhost/", nil), false)
		return v, a.join(v)
	}
	v, err := visit()
	if err != nil {
		t.Fatal(err)
	}
	v.Bytes.Add(5000)
	a.measured.at = time.Now().Add(-2 * time.Second) // as if it had measured nothing two seconds ago
	if _, err := visit(); err == nil {
		t.Error("admitted at 2500 bytes a second, limit 1000")
	}
	a.measured.at, a.measured.bytes = time.Now().Add(-10*time.Second), 5000
	late, err := visit()
	if err != nil {
		t.Errorf("refused though nothing is sent any more: %v", err)
	}
	a.leave(v, "")
	a.leave(late, "")
	if len(a.hosts)+len(a.cameras) != 0 {
		t.Errorf("%v %v remembered", a.hosts, a.cameras)
	}
}

func TestBudget(t *testing.T) {
	b, at, n := &budget{rate: 1000}, time.Unix(1700000000, 0), 0
	for range 300 { // ten seconds of 30 fps, 100 bytes each: 3000 bytes a second
		if b.affords(100, at) {
			n++
		}
		at = at.Add(time.Second / 30)
	}
	if n < 105 || n > 115 { // ten seconds' worth and the second's in the bucket
		t.Errorf("%d frames of 100 bytes in ten seconds at 1000 bytes a second", n)
	}
	b, n = &budget{rate: 1000}, 0
	for range 60 { // each frame is larger than a second's worth
		if b.affords(5000, at) {
			n++
		}
		at = at.Add(time.Second)
	}
	if n < 11 || n > 13 {
		t.Errorf("%d frames of 5000 bytes in 60 seconds at 1000 bytes a second", n)
	}
}

func TestJudgeSaysWhy(t *testing.T) {
	judge, at := newJudge(10, 1000), time.Unix(1700000000, 0)
	var got [3]int
	for range 60 {
		got[judge(&broker.Frame{Captured: at, Part: make([]byte, 200)})]++
		at = at.Add(time.Second / 20)
	}
	// Three seconds: half of the frames are due, and those take 2000 bytes a second, of which 1000 are there.
	if got[fanout.SkipRate] != 30 || got[fanout.SkipOver] < 8 || got[fanout.Show]+got[fanout.SkipOver] != 30 {
		t.Errorf("shown %d, too often %d, too much %d", got[fanout.Show], got[fanout.SkipRate], got[fanout.SkipOver])
	}
}
