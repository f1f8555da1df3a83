package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
)

// newConfig returns a Config of cameras in their order.
func newConfig(limits Limits, cameras ...Camera) Config {
	r := Config{Cameras: map[string]Camera{}, Limits: limits}
	for _, c := range cameras {
		id := c.Status().ID
		r.Cameras[id] = c
		r.Order = append(r.Order, id)
	}
	return r
}

// A Config is replaced while viewers watch. Viewers of a kept camera get every picture, those of a removed one are disconnected, and
// requests use the new Config.
func TestSetConfigKeepsViewersOfKeptCameras(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		stays, goes, comes := newTestCamera("stays"), newTestCamera("goes"), newTestCamera("comes")
		var s *testServer
		if encrypted {
			s, _ = startTLS(t, Options{}, true, stays, goes)
		} else {
			s = startServer(t, Options{}, stays, goes)
		}
		stays.publish(1)
		goes.publish(1)
		_, staying := s.watch(t, "/cameras/stays/stream.mjpg")
		_, leaving := s.watch(t, "/cameras/goes/stream.mjpg")
		nextPicture(t, staying)
		nextPicture(t, leaving)

		s.SetConfig(newConfig(Limits{Viewers: 1}, comes, stays))
		goes.topic.End()
		if _, err := leaving.NextPart(); err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("encrypted %v: the viewer of the removed camera has %v", encrypted, err)
		}
		eventually(t, "it is counted", func() bool { return s.viewers.Stats().Cut[[2]string{"goes", viewers.CutRemoved}] == 1 })
		for shade := range uint8(5) {
			want := stays.publish(10 * shade)
			if got := nextPicture(t, staying); !bytes.Equal(got, want.Data) {
				t.Errorf("encrypted %v: picture %d is another", encrypted, shade)
			}
		}
		for path, want := range map[string]string{
			"/cameras/goes/stream.mjpg":     `no camera "goes": the cameras are comes, stays`,
			"/api/v1/cameras/goes/history":  `the cameras are comes, stays`,
			"/api/v1/viewers?camera=goes":   `the cameras are comes, stays`,
			"/?action=snapshot_2":           "the cameras have the numbers 0 to 1",
			"/cameras/comes/stream.mjpg":    "the limit of 1 viewers is reached",
			"/api/v1/cameras/comes/history": `"samples": `,
			"/api/v1/cameras":               `"id": "comes"`,
		} {
			if got := body(t, s.get(t, path)); !strings.Contains(strings.ReplaceAll(got, `\"`, `"`), want) {
				t.Errorf("%s: %s", path, got)
			}
		}
		comes.publish(7)
		if resp := s.get(t, "/?action=snapshot"); resp.StatusCode != 200 || body(t, resp) != string(comes.topic.Newest().Data) {
			t.Errorf("the first is another: %s", resp.Status)
		}
		metrics := body(t, s.get(t, "/metrics"))
		for _, line := range []string{
			`camd_viewers{camera="comes",rendition="main",transport="http1"} 0`,
			`camd_viewers_cut_total{camera="comes",reason="removed"} 0`, `camd_viewers_cut_total{camera="goes",reason="removed"} 1`,
			`camd_viewer_frame_age_seconds_count{camera="comes",rendition="main"} 0`,
		} {
			if !strings.Contains(metrics, line+"\n") {
				t.Errorf("no %s", line)
			}
		}
		if n := strings.Count(metrics, `camera="goes"`); n != 1 {
			t.Errorf("%d series of removed cameras", n)
		}
	}
}

// A camera that is removed and added again continues its counts. Its old pictures are not sent as new ones.
func TestReturningCameraKeepsCounting(t *testing.T) {
	first, second := newTestCamera("a"), newTestCamera("a")
	s := startServer(t, Options{}, first)
	first.publish(1)
	_, parts := s.watch(t, "/cameras/a/stream.mjpg")
	nextPicture(t, parts)
	sent := func() uint64 {
		return s.viewers.Stats().Totals[viewers.Key{Camera: "a", Rendition: camera.Main, Transport: "http1"}].Sent
	}
	eventually(t, "it is counted", func() bool { return sent() == 1 })
	tag := s.get(t, "/cameras/a/snapshot.jpg").Header.Get("ETag")
	s.SetConfig(Config{})
	first.topic.End()
	eventually(t, "nobody watches", func() bool { return s.viewers.CountPerCamera()["a"] == 0 })
	if resp := s.get(t, "/stream"); resp.StatusCode != http.StatusNotFound || body(t, resp) != "no camera is configured\n" {
		t.Errorf("without cameras: %s", resp.Status)
	}
	s.SetConfig(newConfig(Limits{}, second))
	second.publish(2)
	if resp := s.get(t, "/cameras/a/snapshot.jpg", "If-None-Match", tag); resp.StatusCode != http.StatusOK {
		t.Errorf("the first picture after the camera was added again: %s", resp.Status)
	}
	if sent() != 1 {
		t.Errorf("%d pictures sent", sent())
	}
}

// Configs are replaced while requests of all kinds arrive. Every answer follows one Config or the other.
func TestSetConfigUnderRequests(t *testing.T) {
	a, b := newTestCamera("a"), newTestCamera("b")
	s := startServer(t, Options{}, a, b)
	for _, c := range []*testCamera{a, b} {
		c.publish(1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var swapping, asking sync.WaitGroup
	swapping.Go(func() {
		for ctx.Err() == nil {
			s.SetConfig(newConfig(Limits{Viewers: 10}, b))
			s.sample(time.Now())
			s.SetConfig(newConfig(Limits{Viewers: 20}, a, b))
			s.RecordReload(nil, nil)
		}
	})
	for _, path := range []string{"/api/v1/cameras", "/cameras/a/snapshot.jpg?max_age=1h", "/metrics", "/readyz", "/?action=snapshot&max_age=1h", "/api/v1/cameras/a/history"} {
		asking.Go(func() {
			for range 30 {
				resp, err := http.Get(s.url + path)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if ok := resp.StatusCode; ok != 200 && (ok != 404 || !strings.Contains(path, "/a/")) {
					t.Errorf("%s: %s", path, resp.Status)
				}
			}
		})
	}
	_, parts := s.watch(t, "/cameras/b/stream.mjpg")
	asking.Wait()
	cancel()
	swapping.Wait()
	for want := b.publish(9); ; { // the previous picture may be repeated before it
		switch got := nextPicture(t, parts); {
		case bytes.Equal(got, want.Data):
			return
		case !bytes.Equal(got, picture(1)):
			t.Fatal("its stream continues with another picture")
		}
	}
}

// A viewer has the timeout that was set when it joined.
func TestWriteTimeoutAppliesToNewViewers(t *testing.T) {
	cam := newTestCamera("a")
	s := startServer(t, Options{Config: Config{WriteTimeout: time.Hour}}, cam)
	slow := dialStream(t, s, "/cameras/a/stream.mjpg")
	defer slow.Close()
	eventually(t, "it watches", func() bool { return s.viewers.CountPerCamera()["a"] == 1 })
	cfg := newConfig(Limits{}, cam)
	cfg.WriteTimeout = 100 * time.Millisecond
	s.SetConfig(cfg)
	late := dialStream(t, s, "/cameras/a/stream.mjpg")
	defer late.Close()
	eventually(t, "both watch", func() bool { return s.viewers.CountPerCamera()["a"] == 2 })
	big := broker.Frame{Captured: time.Now(), Key: true, Wire: make([]byte, 32<<20)}
	eventually(t, "the later one is cut", func() bool {
		cam.topic.Publish(big)
		return s.viewers.Stats().Cut[[2]string{"a", viewers.CutStalled}] == 1
	})
	if n := s.viewers.CountPerCamera()["a"]; n != 1 {
		t.Errorf("%d viewers, want the one from before", n)
	}
}

// An added camera does not make a server unready, even if nobody has requested /readyz before.
func TestNewCameraKeepsServerReady(t *testing.T) {
	live, comes := newTestCamera("a"), newTestCamera("b")
	comes.set(camera.Starting)
	s := startServer(t, Options{}, live)
	s.SetConfig(newConfig(Limits{}, live, comes))
	if resp := s.get(t, "/readyz"); resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", resp.Status, body(t, resp))
	}
}

func TestReadyzReportsConfigErrors(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("a"))
	for _, c := range []struct {
		problem error
		pending []string
		want    string
		gauge   string
	}{
		{nil, nil, `"config": {"ok": true}`, "1"},
		{nil, []string{"listen"}, `"config": {"ok": true, "restart": ["listen"]}`, "1"},
		{errors.New("camd.yaml:1:1: what"), nil, `"config": {"ok": false, "error": "camd.yaml:1:1: what", "restart": ["listen"]}`, "0"},
		{nil, nil, `"config": {"ok": true}`, "1"},
	} {
		s.RecordReload(c.problem, c.pending)
		resp := s.get(t, "/readyz")
		got := strings.Join(strings.Fields(body(t, resp)), " ")
		got = strings.NewReplacer("{ ", "{", " }", "}", "[ ", "[", " ]", "]").Replace(got)
		if resp.StatusCode != 200 || !strings.Contains(got, c.want) {
			t.Errorf("%s %s, want %s", resp.Status, got, c.want)
		}
		if m := body(t, s.get(t, "/metrics")); !strings.Contains(m, "camd_config_last_reload_success "+c.gauge+"\n") {
			t.Errorf("want camd_config_last_reload_success %s", c.gauge)
		}
	}
	m := body(t, s.get(t, "/metrics"))
	for _, line := range []string{`camd_config_reloads_total{result="failed"} 1`, `camd_config_reloads_total{result="ok"} 3`} {
		if !strings.Contains(m, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}

func TestReadyzReportsLastGoodConfig(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("a"))
	ready := func() (r struct{ Config map[string]any }) {
		t.Helper()
		if err := json.Unmarshal([]byte(body(t, s.get(t, "/readyz"))), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	s.SetLastGood(time.Date(2026, 11, 30, 5, 20, 0, 0, time.UTC), errors.New("fix camd.yaml"))
	want := map[string]any{"ok": false, "error": "fix camd.yaml", "last_good": "2026-11-30T05:20:00Z"}
	if got := ready().Config; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s.RecordReload(errors.New("camd.yaml:1:1: what"), nil)
	want["error"] = "camd.yaml:1:1: what"
	if got := ready().Config; !maps.Equal(got, want) || !s.UsesLastGood() {
		t.Errorf("after a reload that failed: got %v, want %v", got, want)
	}
	s.RecordReload(nil, nil)
	if got := ready().Config; !maps.Equal(got, map[string]any{"ok": true}) || s.UsesLastGood() {
		t.Errorf("after a good reload: got %v", got)
	}
}
