package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"camd/pkg/camera"
)

// Queries select the camera as in mjpg-streamer and ustreamer. Text that clients append changes nothing.
func TestActionQueriesSelectTheCamera(t *testing.T) {
	cameras := make([]*testCamera, 12)
	all := make([]Camera, len(cameras))
	for i := range cameras {
		cameras[i] = newTestCamera(fmt.Sprint("c", i))
		all[i] = cameras[i]
	}
	s := startServer(t, Options{}, all...)
	for _, c := range []struct {
		query  string // behind ?action=, or all of it
		number int
	}{
		{"%s", 0}, {"%s_0", 0}, {"%s_1", 1}, {"%s_11", 11}, {"%s_01", 1},
		{"%s&1700000000", 0}, {"%s&t=1700000000.5", 0}, {"%s_2&_=1700000000", 2}, {"%s&_=17", 0}, {"%s&dummy=param.mjpg", 0},
		{"%s?t=17", 0}, {"%s_3?17", 3}, {"%s;17", 0}, {"%s%%26t=1", 0}, {"%s_4%%3Ft=1", 4}, {"%s&%%zz", 0}, {"%s&a;b=%%zz", 0},
		{"%s_", 0}, {"%s_x", 0}, {"%s.mjpg", 0},
		{"?t=17&action=%s", 0}, {"?17&action=%s_5&x=1", 5}, {"?dummy=param.mjpg&action=%s_1", 1},
	} {
		for _, verb := range []string{"stream", "snapshot"} {
			path := fmt.Sprintf("/?action="+c.query, verb)
			if strings.HasPrefix(c.query, "?") {
				path = "/" + fmt.Sprintf(c.query, verb)
			}
			for i, c := range cameras {
				c.publish(uint8(20 * i)) // again: a snapshot waits for a new frame
			}
			var got string
			if verb == "stream" {
				resp, stream := s.watch(t, path)
				got = string(nextPicture(t, stream))
				_ = resp.Body.Close()
			} else {
				got = body(t, s.get(t, path))
			}
			if got != string(picture(uint8(20*c.number))) {
				t.Errorf("%s: not the picture of camera %d", path, c.number)
			}
		}
	}
	for path, want := range map[string]string{
		"/?action=snapshot_12":                   "404 no camera number 12: the cameras have the numbers 0 to 11",
		"/?action=stream_99999999999999999999":   "404 no camera number 9223372036854775807: the cameras have the numbers 0 to 11",
		"/?action=command&id=0&group=0&value=12": "501 camd does not support mjpg-streamer's commands",
		"/?action=take&filename=x":               "501 camd does not support",
		"/?action=dance&action=stream":           `400 unknown action="dance": use stream or snapshot`,
		"/?action":                               "200 <!",
		"/?reaction=stream":                      "200 <!",
	} {
		resp := s.get(t, path)
		if got := fmt.Sprint(resp.StatusCode, " ", body(t, resp)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %.100s, want %s", path, got, want)
		}
	}
}

// Nothing may cache pictures at these addresses: clients request them again and again, without conditions.
func TestCompatPicturesAreNotCached(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{}, cam)
	for _, path := range []string{"/?action=stream", "/?action=snapshot", "/stream", "/snapshot"} {
		resp := s.get(t, path)
		h := resp.Header
		if expires, err := http.ParseTime(h.Get("Expires")); err != nil || expires.After(time.Now()) ||
			!strings.HasPrefix(h.Get("Cache-Control"), "no-store, no-cache, ") || h.Get("Pragma") != "no-cache" || h.Get("ETag") != "" {
			t.Errorf("%s: %v", path, h)
		}
		if size := h.Get("X-UStreamer-Width") + "x" + h.Get("X-UStreamer-Height") + h.Get("X-UStreamer-Online"); (size == "32x16true") != (path == "/snapshot") {
			t.Errorf("%s: ustreamer's headers are %q", path, size)
		}
		_ = resp.Body.Close()
	}
	cam.set(camera.Offline)
	cam.placeholder()
	if resp := s.get(t, "/snapshot"); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("X-UStreamer-Online") != "false" {
		t.Errorf("offline: %s, online %q", resp.Status, resp.Header.Get("X-UStreamer-Online"))
	}
}

func TestCompatRoutesWithoutCamerasAreNotFound(t *testing.T) {
	s := startServer(t, Options{})
	for _, path := range []string{"/stream", "/snapshot", "/state", "/?action=stream"} {
		if resp := s.get(t, path); resp.StatusCode != 404 || !strings.Contains(body(t, resp), "no camera is configured") {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

const wantState = `{
  "ok": true,
  "result": {
    "instance_id": "a",
    "encoder": {
      "type": "HW",
      "quality": 0
    },
    "source": {
      "resolution": {
        "width": 32,
        "height": 16
      },
      "online": true,
      "desired_fps": 30,
      "captured_fps": 15
    },
    "stream": {
      "queued_fps": 0,
      "clients": 0,
      "clients_stat": {}
    }
  }
}
`

func TestUstreamerStateListsClients(t *testing.T) {
	a, b := newTestCamera("a"), newTestCamera("b")
	a.status.Format.Passthrough, a.status.Format.FPS, a.status.Counts.FPS = true, 29.97, 14.6
	a.status.Format.Width = 640 // the shown picture is smaller
	a.publish(1)
	b.publish(1)
	s := startServer(t, Options{}, a, b)
	if got := body(t, s.get(t, "/state")); got != wantState {
		t.Errorf("got %s, want %s", got, wantState)
	}
	resp, _ := s.watch(t, "/stream?key=abc%2F1&extra_headers=1&dual_final_frames=1&advance_headers=1&zero_data=1")
	cookie := resp.Cookies()
	if len(cookie) != 1 || cookie[0].Name != "stream_client" || cookie[0].Path != "/" || cookie[0].MaxAge != 30 {
		t.Fatalf("cookies %v", resp.Header["Set-Cookie"])
	}
	key, id, _ := strings.Cut(cookie[0].Value, "/")
	for _, path := range []string{"/stream", "/stream?key=" + strings.Repeat("k", 65), "/?action=stream&key=k", "/cameras/b/stream.mjpg?key=k"} {
		if resp, _ := s.watch(t, path); resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: cookie %q", path, resp.Header.Get("Set-Cookie"))
		}
	}
	var got struct {
		Result struct {
			Stream struct {
				QueuedFPS   int `json:"queued_fps"`
				Clients     int
				ClientsStat map[string]struct {
					ExtraHeaders bool `json:"extra_headers"`
					Key          string
				} `json:"clients_stat"`
			}
		}
	}
	eventually(t, "all are counted", func() bool {
		err := json.Unmarshal([]byte(body(t, s.get(t, "/state"))), &got)
		return err == nil && got.Result.Stream.Clients == 4
	})
	stat := got.Result.Stream.ClientsStat
	if client, ok := stat[id]; !ok || client.Key != key || key != "abc%2F1" || client.ExtraHeaders || len(stat) != 4 || got.Result.Stream.QueuedFPS != 15 {
		t.Errorf("client %q of key %q in %+v", id, key, got.Result.Stream)
	}
	keys := map[string]int{}
	for _, client := range stat {
		keys[client.Key]++
	}
	if keys["0"] != 3 {
		t.Errorf("keys %v, want 3 without", keys)
	}
}
