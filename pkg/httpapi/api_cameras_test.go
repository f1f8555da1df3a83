package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"camd/pkg/camera"
)

const wantCamera = `{
  "id": "yard",
  "title": "Camera yard",
  "site": "",
  "remote": false,
  "source": "rtsp://viewer@10.0.0.7/1",
  "state": "offline",
  "paused": false,
  "reason": "auth",
  "reason_text": "the camera refused the user or password",
  "detail": "401 Unauthorized",
  "since": "2023-11-14T22:13:20Z",
  "retry": "2023-11-14T22:13:30Z",
  "last_frame": null,
  "fps": 0,
  "viewers": 0,
  "format": {
    "backend": "PATTERN",
    "codec": "raw",
    "width": 32,
    "height": 16,
    "fps": 30,
    "passthrough": false
  },
  "tracks": [
    {
      "name": "video",
      "state": "live",
      "reason": "",
      "reason_text": "",
      "codec": "h264",
      "codec_string": "avc1.640028",
      "width": 1920,
      "height": 1080,
      "fps": 25,
      "bit_rate": 4100000,
      "keyframe_interval_seconds": 2,
      "joinable": true,
      "frames": 100,
      "keyframes": 2,
      "bytes": 2050000,
      "last_frame": "2023-11-14T22:13:19Z",
      "url": "/cameras/yard/stream.mp4"
    },
    {
      "name": "sub",
      "state": "offline",
      "reason": "auth",
      "reason_text": "the camera refused the user or password",
      "codec": "",
      "codec_string": "",
      "width": 0,
      "height": 0,
      "fps": 0,
      "bit_rate": 0,
      "keyframe_interval_seconds": null,
      "joinable": false,
      "frames": 0,
      "keyframes": 0,
      "bytes": 0,
      "last_frame": null,
      "url": "/cameras/yard/stream.mp4?track=sub"
    }
  ],
  "renditions": [
    {
      "name": "main",
      "width": 0,
      "fps": 0,
      "published": 9
    }
  ],
  "streams": [
    {
      "name": "main",
      "track": "video",
      "state": "offline",
      "reason": "auth",
      "reason_text": "the camera refused the user or password",
      "detail": "401 Unauthorized",
      "since": "2023-11-14T22:13:20Z"
    },
    {
      "name": "raw",
      "track": "",
      "state": "live",
      "reason": "",
      "reason_text": "",
      "detail": "",
      "since": null
    }
  ],
  "decoders": [
    {
      "track": "video",
      "state": "offline",
      "reason": "undecodable",
      "reason_text": "camd cannot decode the camera's video",
      "detail": "profile 4:4:4",
      "since": "2023-11-14T22:13:20Z",
      "pid": 321,
      "starts": 3,
      "run_seconds": 60.5,
      "cpu_seconds": 4.25,
      "rss_bytes": 50000000,
      "pictures": 700
    }
  ],
  "counts": {
    "captured": 10,
    "published": 9,
    "refused": {
      "truncated": 1
    },
    "restarts": {
      "auth": 2
    }
  },
  "worker": {
    "pid": 0,
    "cpu_seconds": 1.5,
    "rss_bytes": 0
  },
  "urls": {
    "snapshot": "/cameras/yard/snapshot.jpg",
    "stream": "/cameras/yard/stream.mjpg"
  }
}
`

func offlineCamera() *testCamera {
	cam := newTestCamera("yard")
	cam.status.Source = "rtsp://viewer@10.0.0.7/1"
	cam.status.State, cam.status.Reason, cam.status.Detail = camera.Offline, camera.Auth, "401 Unauthorized"
	cam.status.NextRetry = time.Unix(1700000010, 0)
	cam.status.Worker.CPUSeconds = 1.5
	cam.status.Tracks = []camera.Track{
		{
			Name: camera.Video, State: camera.Live, Codec: "h264", CodecString: "avc1.640028", Width: 1920, Height: 1080, FPS: 25, BitRate: 4.1e6,
			KeyframeInterval: 2 * time.Second, Joinable: true, Frames: 100, Keyframes: 2, Bytes: 2_050_000, LastFrame: time.Unix(1699999999, 0),
		},
		{Name: camera.Sub, State: camera.Offline, Reason: camera.Auth},
	}
	since := time.Unix(1700000000, 0)
	cam.status.Streams = []camera.Stream{
		{Name: camera.Main, Track: camera.Video, StateChange: camera.StateChange{State: camera.Offline, Reason: camera.Auth, Detail: "401 Unauthorized", Since: since}},
		{Name: "raw", StateChange: camera.StateChange{State: camera.Live}},
	}
	cam.status.Decoders = []camera.Decoder{{
		Track:       camera.Video,
		StateChange: camera.StateChange{State: camera.Offline, Reason: camera.Undecodable, Detail: "profile 4:4:4", Since: since},
		Worker:      camera.Worker{PID: 321, CPUSeconds: 4.25, RSSBytes: 50e6},
		Starts:      3, RunSeconds: 60.5, Pictures: 700,
	}}
	cam.status.Counts = camera.Counts{
		Captured: 10, Published: map[string]uint64{camera.Main: 9},
		Refused:  map[string]uint64{"truncated": 1, "damaged": 0},
		Restarts: map[camera.Reason]uint64{camera.Auth: 2, camera.Timeout: 0},
	}
	return cam
}

func TestCameraJSONIsComplete(t *testing.T) {
	s := startServer(t, Options{Version: "1.2.3"}, offlineCamera())
	if got := body(t, s.get(t, "/api/v1/cameras/yard")); got != wantCamera {
		t.Errorf("got %s\nwant %s", got, wantCamera)
	}
	var list struct {
		Cameras []struct{ ID, State string }
		Version string
	}
	if err := json.Unmarshal([]byte(body(t, s.get(t, "/api/v1/cameras"))), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Cameras) != 1 || list.Cameras[0].ID != "yard" || list.Cameras[0].State != "offline" || list.Version != "1.2.3" {
		t.Errorf("list %+v", list)
	}
}

func TestReadyzWaitsForFirstStart(t *testing.T) {
	cam := newTestCamera("a")
	s := startServer(t, Options{}, cam)
	for _, c := range []struct {
		state camera.State
		code  int
		says  string
	}{
		{camera.Starting, 503, "starting"}, {camera.Live, 200, "ready"}, {camera.Offline, 200, "ready"}, {camera.Idle, 200, "ready"},
		{camera.Starting, 200, "ready"}, // again
	} {
		cam.set(c.state)
		resp := s.get(t, "/readyz")
		if got := body(t, resp); resp.StatusCode != c.code || !strings.Contains(got, c.says) {
			t.Errorf("%s: readyz %d %s, want %d %s", c.state, resp.StatusCode, got, c.code, c.says)
		}
		if resp := s.get(t, "/healthz"); resp.StatusCode != 200 {
			t.Errorf("%s: healthz %s", c.state, resp.Status)
		}
	}
}
