package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
)

// cameraWithHistory is a camera with a history of states.
type cameraWithHistory struct {
	*testCamera
	history []camera.StateChange
}

func (c *cameraWithHistory) History() []camera.StateChange { return c.history }

const wantHistory = `{
  "samples": [],
  "states": [
    {
      "state": "offline",
      "reason": "unreachable",
      "reason_text": "the camera cannot be reached",
      "detail": "10.0.0.7:554 refused the connection: check the port",
      "since": "2023-11-14T22:13:20Z"
    },
    {
      "state": "live",
      "reason": "",
      "reason_text": "",
      "detail": "",
      "since": "2023-11-14T22:13:19Z"
    }
  ]
}
`

func getBody(s *Server, path string) string {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
	return w.Body.String()
}

func TestHistoryListsStates(t *testing.T) {
	c := &cameraWithHistory{newTestCamera("a"), []camera.StateChange{
		{State: camera.Offline, Reason: camera.Unreachable, Detail: "10.0.0.7:554 refused the connection: check the port", Since: time.Unix(1700000000, 0)},
		{State: camera.Live, Since: time.Unix(1699999999, 0)},
	}}
	s := New(Options{Config: Config{Cameras: map[string]Camera{"a": c, "b": newTestCamera("b")}, Order: []string{"a", "b"}}})
	if got := getBody(s, "/api/v1/cameras/a/history"); got != wantHistory {
		t.Errorf("got %s", got)
	}
	if got := getBody(s, "/api/v1/cameras/b/history"); got != "{\n  \"samples\": [],\n  \"states\": []\n}\n" {
		t.Errorf("without history: %s", got)
	}
	if got := getBody(s, "/api/v1/cameras/c/history"); got != "{\n  \"error\": \"no camera \\\"c\\\": the cameras are a, b\"\n}\n" {
		t.Errorf("unknown camera: %s", got)
	}
}

// fetchSamples requests the samples of a camera.
func fetchSamples(t *testing.T, s *Server, id string) (list []sampleJSON) {
	t.Helper()
	var got struct{ Samples []sampleJSON }
	if err := json.Unmarshal([]byte(getBody(s, "/api/v1/cameras/"+id+"/history")), &got); err != nil {
		t.Fatal(err)
	}
	return got.Samples
}

func (s sampleJSON) String() string {
	age := "null"
	if s.FrameAge != nil {
		age = fmt.Sprint(*s.FrameAge)
	}
	return fmt.Sprintf("%v fps, %s old, %d viewers", s.FPS, age, s.Viewers)
}

func TestSamplesCoverTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		busy, idle := newTestCamera("busy"), newTestCamera("idle")
		busy.status.Counts.FPS = 29.9251
		s := New(Options{Config: Config{Cameras: map[string]Camera{"busy": busy, "idle": idle}, Order: []string{"busy", "idle"}}})
		r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
		for _, age := range []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 0} { // the last viewer has no frame yet
			v := viewers.New(viewers.Key{Camera: "busy", Rendition: camera.Main, Transport: "http1"}, r, false)
			if age > 0 {
				v.CountSent(&broker.Frame{Captured: begin.Add(-age)}, begin)
			}
			if err := s.viewers.Add(v, nil); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { s.sampleLoop(ctx) })
		at := func(after time.Duration) { time.Sleep(time.Until(begin.Add(after))); synctest.Wait() }

		at(9 * time.Second)
		list := fetchSamples(t, s, "busy")
		if len(list) != 5 {
			t.Fatalf("%d samples after nine seconds", len(list))
		}
		for i, j := range list {
			if want := "29.93 fps, 0.015 old, 3 viewers"; j.String() != want {
				t.Errorf("%s, want %s", j, want)
			}
			if want := begin.Add(time.Duration(i) * 2 * time.Second); !j.Time.Equal(want) {
				t.Errorf("sample %d at %v, want %v", i, j.Time, want)
			}
		}
		if got := fetchSamples(t, s, "idle")[0].String(); got != "0 fps, null old, 0 viewers" {
			t.Errorf("nobody watches: %s", got)
		}

		at(time.Hour + time.Second)
		list = fetchSamples(t, s, "busy")
		if first, last := list[0].Time.Sub(begin), list[len(list)-1].Time.Sub(begin); len(list) != 300 || last != time.Hour || first != time.Hour-598*time.Second {
			t.Errorf("%d samples, from %v to %v", len(list), first, last)
		}
		cancel()
		running.Wait()
	})
}

func TestServeTakesSamples(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("a"))
	eventually(t, "a first sample", func() bool { return len(fetchSamples(t, s.Server, "a")) > 0 })
}
