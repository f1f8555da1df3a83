package httpapi

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

func TestSnapshotOfLiveCameraIsItsNewestFrame(t *testing.T) {
	cam := newTestCamera("a")
	f := cam.publish(7)
	s := startServer(t, Options{}, cam)
	resp := s.get(t, "/cameras/a/snapshot.jpg")
	if got := body(t, resp); resp.StatusCode != 200 || got != string(picture(7)) {
		t.Fatalf("%s, %d bytes", resp.Status, len(got))
	}
	h := resp.Header
	if h.Get("Content-Type") != "image/jpeg" || h.Get("X-Camd-State") != "live" || h.Get("Age") != "0" {
		t.Errorf("header %v", h)
	}
	if stamp, err := strconv.ParseFloat(h.Get("X-Timestamp"), 64); err != nil || stamp != float64(f.Captured.UnixMicro())/1e6 {
		t.Errorf("X-Timestamp %q, captured %v", h.Get("X-Timestamp"), f.Captured)
	}

	head := s.request(t, http.MethodHead, "/cameras/a/snapshot.jpg")
	if head.ContentLength != int64(len(picture(7))) || body(t, head) != "" {
		t.Errorf("HEAD: length %d", head.ContentLength)
	}
	same := s.get(t, "/cameras/a/snapshot.jpg", "If-None-Match", h.Get("ETag"))
	if same.StatusCode != http.StatusNotModified {
		t.Errorf("same picture asked again: %s", same.Status)
	}
	cam.publish(8)
	next := s.get(t, "/cameras/a/snapshot.jpg", "If-None-Match", h.Get("ETag"))
	if next.StatusCode != 200 || body(t, next) != string(picture(8)) {
		t.Errorf("new picture: %s", next.Status)
	}
}

func TestSnapshotHonoursMaxAge(t *testing.T) {
	cam := newTestCamera("a")
	cam.topic.Publish(newFrame(picture(1), time.Now().Add(-time.Minute)))
	s := startServer(t, Options{}, cam)
	for _, c := range []struct {
		query string
		fresh bool // the old picture is too old
		code  int
	}{
		{"?max_age=90", false, 200},
		{"?max_age=1h", false, 200},
		{"?max_age=30", true, 200},
		{"", true, 200},
		{"?fresh=1", true, 200},
		{"?fresh=0&max_age=90s", false, 200},
		{"?max_age=soon", false, 400},
		{"?max_age=-1", false, 400},
		{"?fresh=perhaps", false, 400},
		{"?rendition=none", false, 404},
	} {
		answer := make(chan *http.Response)
		go func() { answer <- s.get(t, "/cameras/a/snapshot.jpg"+c.query) }()
		if c.fresh {
			eventually(t, "the request waits", func() bool { return cam.topic.Subscriptions() == 1 })
			cam.publish(2)
		}
		resp := <-answer
		want := string(picture(1))
		if c.fresh {
			want = string(picture(2))
			cam.topic.Publish(newFrame(picture(1), time.Now().Add(-time.Minute)))
		}
		if got := body(t, resp); resp.StatusCode != c.code || c.code == 200 && got != want {
			t.Errorf("%q: %s, the wanted picture %v", c.query, resp.Status, got == want)
		}
	}
}

// Pollers do not queue behind each other: one frame serves all that wait for it.
func TestSnapshotsShareOneWait(t *testing.T) {
	cam := newTestCamera("a")
	s := startServer(t, Options{}, cam)
	const pollers = 100
	var wg sync.WaitGroup
	for range pollers {
		wg.Go(func() {
			if resp := s.get(t, "/cameras/a/snapshot.jpg?fresh=1"); resp.StatusCode != 200 || body(t, resp) != string(picture(3)) {
				t.Errorf("%s", resp.Status)
			}
		})
	}
	eventually(t, "all wait", func() bool { return cam.topic.Subscriptions() == pollers })
	cam.publish(3)
	wg.Wait()
}

func TestSnapshotOfFailedCameraIsAPlaceholder(t *testing.T) {
	for _, state := range []camera.State{camera.Offline, camera.Stalled, camera.Paused} {
		cam := newTestCamera("a")
		cam.publish(1)
		cam.set(state)
		f := cam.placeholder()
		s := startServer(t, Options{}, cam)
		resp := s.get(t, "/cameras/a/snapshot.jpg")
		got := body(t, resp)
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" ||
			resp.Header.Get("Content-Type") != "image/jpeg" || got != string(f.Data) || resp.Header.Get("ETag") != "" {
			t.Errorf("%s: %s %v, placeholder %v", state, resp.Status, resp.Header, got == string(f.Data))
		}
		if resp.Header.Get("X-Camd-State") != string(state) {
			t.Errorf("X-Camd-State %q, want %s", resp.Header.Get("X-Camd-State"), state)
		}
	}
}

// An on-demand camera is woken by the snapshot's own demand, and its first live picture is the answer.
func TestSnapshotWakesOnDemandCamera(t *testing.T) {
	cam := newTestCamera("a")
	cam.set(camera.Idle)
	cam.placeholder()
	s := startServer(t, Options{}, cam)
	answer := make(chan *http.Response)
	go func() { answer <- s.get(t, "/cameras/a/snapshot.jpg") }()
	<-cam.topic.DemandChanged()
	cam.set(camera.Starting)
	cam.placeholder()
	cam.publish(4)
	if resp := <-answer; resp.StatusCode != 200 || body(t, resp) != string(picture(4)) {
		t.Errorf("%s", resp.Status)
	}
}

// The state of the rendition decides whether a picture will come: a decoder may have failed while the camera is live.
func TestSnapshotFollowsTheStateOfItsRendition(t *testing.T) {
	for _, c := range []struct {
		state camera.State // of the stream of main
		waits bool
	}{{camera.Offline, false}, {camera.Stalled, false}, {camera.Starting, true}, {camera.Idle, true}, {camera.Live, true}} {
		cam := newTestCamera("a")
		cam.status.Streams = []camera.Stream{{Name: camera.Main, Track: camera.Video, StateChange: camera.StateChange{State: c.state, Reason: camera.Undecodable}}}
		placeholder := cam.placeholder()
		s := startServer(t, Options{}, cam)
		answer := make(chan *http.Response)
		go func() { answer <- s.get(t, "/cameras/a/snapshot.jpg") }()
		code, want := http.StatusServiceUnavailable, string(placeholder.Data)
		if c.waits {
			eventually(t, "the request waits", func() bool { return cam.topic.Subscriptions() == 1 })
			code, want = http.StatusOK, string(cam.publish(5).Data)
		}
		resp := <-answer
		if got := body(t, resp); resp.StatusCode != code || got != want || resp.Header.Get("X-Camd-State") != string(c.state) {
			t.Errorf("%s: %s, X-Camd-State %s, the picture expected: %v", c.state, resp.Status, resp.Header.Get("X-Camd-State"), got == want)
		}
	}
}

// A snapshot asks for one picture soon, and for none after it.
func TestSnapshotWantsOnePicture(t *testing.T) {
	cam := newTestCamera("a")
	cam.topic = broker.NewTopic("a", broker.Options{Linger: time.Hour})
	s := startServer(t, Options{}, cam)
	for range 3 {
		answer := make(chan *http.Response)
		go func() { answer <- s.get(t, "/cameras/a/snapshot.jpg?fresh=1") }()
		eventually(t, "the demand for a picture", func() bool { return cam.topic.Demand() == broker.Demand{Wanted: true, Frames: true} })
		cam.publish(1)
		if resp := <-answer; resp.StatusCode != http.StatusOK {
			t.Errorf("%s", resp.Status)
		}
		if got := cam.topic.Demand(); got != (broker.Demand{Wanted: true}) {
			t.Errorf("afterwards: %+v", got)
		}
	}
	if resp := s.get(t, "/cameras/a/snapshot.jpg?max_age=1h"); resp.StatusCode != http.StatusOK {
		t.Errorf("a picture that is there: %s", resp.Status)
	}
}
