package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"

	"go.yaml.in/yaml/v3"
)

// testEnvironment is what the tests' variables hold.
var testEnvironment = map[string]string{
	"PASSWORD": "hunter2", "QUALITY": "70", "TITLE": "Yard\nquality: 1", "HOST": "10.0.0.7", "EMPTY": "",
}

func env(name string) (string, bool) {
	v, ok := testEnvironment[name]
	return v, ok
}

// oneCamera is what a configuration needs at least.
const oneCamera = "cameras: [{id: only, source: 'test://'}]\n"

func TestParseFillsDefaults(t *testing.T) {
	for _, text := range []string{"", "---\n", "\ufeff", "# dos\r\nlog:\r\n  level: info\r\n", "limits:\nlog: {}\n"} {
		got, err := Parse("camd.yaml", []byte(text+oneCamera), env)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		want := Default()
		want.Cameras, want.positions, want.listenInFile = got.Cameras, got.positions, got.listenInFile
		if !reflect.DeepEqual(got, want) || len(got.Cameras) != 1 {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}

// A file that serves nothing is most likely cut short. It is refused with what to add.
func TestFileWithoutCamerasOrBusIsRefused(t *testing.T) {
	const empty, neither, list = "the file is empty; ", "the file has neither cameras nor bus; ", "cameras: the list is empty, and there is no bus; "
	for text, want := range map[string]string{
		"": "1:1: " + empty, "\n": "1:1: " + empty, "\ufeff": "1:1: " + empty, "# nothing\n": "1:1: " + empty,
		"---\n": "1:1: " + empty, "null\n": "1:1: " + empty, "~": "1:1: " + empty, "---\n...\n": "1:1: " + empty,
		"{}": "1:1: " + neither, "log:\n  level: info\n": "1:1: " + neither, "listen: 127.0.0.1:80\nauth: {anonymous: view}\nbus:\n": "1:1: " + neither,
		"cameras:\n": "1:1: " + list, "log: {}\ncameras: []\n": "2:1: " + list,
	} {
		_, err := Parse("camd.yaml", []byte(text), env)
		var mistakes *Error
		if !errors.As(err, &mistakes) || len(mistakes.Problems) != 1 || !strings.HasPrefix(err.Error(), "camd.yaml:"+want) {
			t.Errorf("%q: got %v, want camd.yaml:%s", text, err, want)
		} else if !strings.HasSuffix(err.Error(), addCameraHint) {
			t.Errorf("%q: the error does not say what to add: %v", text, err)
		}
	}
}

func TestParseReadsEveryKey(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "yard.password"), "s3cret\n")
	got, err := Parse(filepath.Join(dir, "camd.yaml"), []byte("\ufeff"+`
listen: ":0"
socket_mode: 0600
metrics_listen: unix:/run/metrics.sock
cameras:
  - id: front-door
    source: /dev/video0
    size: 1280x720
    fps: 12.5
    format: yuyv
    quality: "${QUALITY}"
    stall_timeout: 500ms
    open_timeout: 1m30s
    frozen_timeout: off
    capture_max_age: 24h
    controls: {brightness: -5, gain: 0x10, auto_exposure: false, power_line_frequency: 50 Hz, scene: "3", sharpness: "${QUALITY}", 3d_noise: yes}
  - {id: yard, title: "The $${yard}, $5", source: "rtsp://${HOST}/a", substream: "rtsp://${HOST}:8554/b", user: viewer, password_file: yard.password, reader: go, transport: udp, on_demand: true, paused: true}
  - {id: 2, source: "http://u@${HOST}/a", password: "${PASSWORD}"}
  - {id: clip, source: clips/a.mp4, loop: false}
  - {id: pattern, source: test://}
limits: {viewers: 7, viewers_per_camera: 5, viewers_per_address: 2, bytes_per_second: 1.5GB, viewer_bytes_per_second: 64 KiB, capture_memory: 300 MB, frame_bytes: 2MiB, frame_pixels: 8294400, connections: 90, connections_per_address: 30}
send_buffer: 128KiB
hosts: [Cams.example.com., "*.lan"]
allow_origin: https://mainsail.local:8443
frame_ancestors: [self, "https://home.example.com:8123"]
write_timeout: 3s
state_dir: var/state
log: {level: debug, format: json, audit: log/audit.json, audit_addresses: short}
`), env)
	if err != nil {
		t.Fatal(err)
	}
	source := func(s string) sourceurl.Source {
		src, err := sourceurl.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	door := DefaultCamera("front-door", source("/dev/video0"))
	door.Size, door.FPS, door.Format, door.Quality = sourceurl.Size{Width: 1280, Height: 720}, 12.5, "yuyv", 70
	door.StallTimeout, door.OpenTimeout = 500*time.Millisecond, 90*time.Second
	door.FrozenTimeout, door.CaptureMaxAge = 0, 24*time.Hour
	door.Controls = map[string]camera.Setting{
		"brightness": camera.NumberSetting(-5), "gain": camera.NumberSetting(16), "auto_exposure": camera.SwitchSetting(false),
		"power_line_frequency": camera.TextSetting("50 Hz"), "scene": camera.TextSetting("3"), "sharpness": camera.NumberSetting(70), "3d_noise": camera.TextSetting("yes"),
	}
	yard := DefaultCamera("yard", source("rtsp://viewer:s3cret@10.0.0.7/a"))
	yard.Substream, yard.Reader = source("rtsp://viewer:s3cret@10.0.0.7:8554/b"), options.ReaderGo
	yard.Title, yard.Transport, yard.OnDemand, yard.Paused = "The ${yard}, $5", "udp", true, true
	clip := DefaultCamera("clip", source(filepath.Join(dir, "clips/a.mp4")))
	clip.Once = true
	want := &Config{
		Listen:     ":0",
		SocketMode: 0o600, MetricsListen: "unix:/run/metrics.sock",
		Cameras: []options.Camera{
			door, yard, DefaultCamera("2", source("http://u:hunter2@10.0.0.7/a")), clip, DefaultCamera("pattern", source("test://")),
		},
		Limits: Limits{
			Viewers: 7, ViewersPerCamera: 5, ViewersPerAddress: 2, BytesPerSecond: 1_500_000_000, ViewerBytesPerSecond: 64 << 10,
			CaptureMemory: 300_000_000, FrameBytes: 2 << 20, FramePixels: 3840 * 2160, Connections: 90, ConnectionsPerAddress: 30,
		},
		SendBuffer: 128 << 10, AllowOrigin: []string{"https://mainsail.local:8443"}, Hosts: []string{"cams.example.com", "*.lan"},
		FrameAncestors: []string{"self", "https://home.example.com:8123"}, WriteTimeout: 3 * time.Second,
		StateDir: filepath.Join(dir, "var/state"),
		Log:      Log{Level: "debug", Format: "json", Audit: filepath.Join(dir, "log/audit.json"), AuditAddresses: "short"},
	}
	got.positions, got.files, got.listenInFile = nil, nil, ""
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadErrorNamesFile(t *testing.T) {
	_, err := Read("testdata/missing.yaml")
	if want := "read config: open testdata/missing.yaml: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	const path = "/etc/camd/camd.yaml"
	var mistakes *Error
	if _, err = Parse(path, []byte("lisen: :80\nlimits: 3\n"), env); !errors.As(err, &mistakes) || len(mistakes.Problems) != 2 {
		t.Fatalf("got %v, want an *Error of two problems", err)
	}
	want := Problem{path, 1, 1, `unknown key "lisen", did you mean "listen"?`}
	if got := mistakes.Problems[0]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestConfigNeverShowsPasswords(t *testing.T) {
	const canary = "can4ry"
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "p"), canary)
	got, err := Parse(filepath.Join(dir, "camd.yaml"), []byte(`
cameras:
  - {id: a, source: "rtsp://u:can4ry@h/"}
  - {id: b, source: "rtsp://h/", user: u, password: can4ry}
  - {id: c, source: "http://h/?pw=can4ry", user: u, password_file: p}
  - {id: d, source: "rtsp://u:can4ry@h/", substream: "rtsp://u:can4ry@h2/?pw=can4ry"}
`), env)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range got.Cameras {
		if !strings.Contains(c.Source.WithCredentials(), canary) {
			t.Errorf("camera %d: the password is lost: %s", i, c.Source.WithCredentials())
		}
	}
	asJSON, err1 := json.Marshal(got)
	asYAML, err2 := yaml.Marshal(got)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	shown := []string{string(asJSON), string(asYAML)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		shown = append(shown, fmt.Sprintf(verb, *got), fmt.Sprintf(verb, got.Cameras), fmt.Sprintf(verb, &got.Cameras[0]))
	}
	for _, s := range shown {
		if strings.Contains(s, canary) || strings.Contains(s, fmt.Sprintf("%x", canary)) {
			t.Errorf("a password is in %s", s)
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestConnectionLimitsFollowViewers(t *testing.T) {
	for _, c := range []struct {
		limits          Limits
		all, perAddress int
	}{
		{Default().Limits, 2000, 1000},
		{Limits{Viewers: 5000}, 6500, 3250},
		{Limits{Viewers: 500, Connections: 100}, 100, 50},
		{Limits{Viewers: 500, ConnectionsPerAddress: 7}, 2000, 7},
	} {
		if all, perAddress := c.limits.ConnectionLimits(); all != c.all || perAddress != c.perAddress {
			t.Errorf("%+v: %d and %d, want %d and %d", c.limits, all, perAddress, c.all, c.perAddress)
		}
	}
}
