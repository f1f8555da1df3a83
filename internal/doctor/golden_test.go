package doctor

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/access"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/media"
	"camd/pkg/source"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/v4l2"
)

var update = flag.Bool("update", false, "write the golden file")

// TestGoldenFindings has the findings as `camd doctor` prints them, for a machine that the test makes up.
func TestGoldenFindings(t *testing.T) {
	var out strings.Builder
	section := func(name string, all ...Finding) {
		out.WriteString("# " + name + "\n")
		Print(&out, all, false)
		out.WriteString("\n")
	}
	section("configuration", goldenConfigs()...)
	section("bus", goldenBuses(t.Context())...)
	section("devices", goldenDevices()...)
	section("network cameras", goldenNetworkCameras(t)...)
	section("capture", checkBackends("OpenCV 4.6.0, V4L2, FFMPEG"), checkBackends("OpenCV 4.6.0, V4L2"),
		checkWorker(t.Context(), func() (string, error) { return "", errors.New("camd-capture not found") })[0])
	section("socket", goldenSockets(t)...)
	section("state", checkStateDir(""), checkStateDir("/dev/null/state"))
	section("tls", goldenTLS()...)
	section("access", goldenAccess()...)
	got := strings.NewReplacer(currentUser(), "USER", os.TempDir(), "/tmp").Replace(out.String())
	got = strings.NewReplacer(t.TempDir(), "DIR").Replace(got)
	testrun.CheckGolden(t, filepath.Join("testdata", "findings.txt"), got, *update)
}

func goldenConfigs() (all []Finding) {
	one := config.Default()
	one.Cameras = []options.Camera{testCamera("a", sourceurl.Test, "")}
	relay := config.Default()
	relay.Bus = &config.Bus{}
	mistakes := &config.Error{More: 7, Problems: []config.Problem{
		{File: "camd.yaml", Line: 3, Column: 5, Message: `unknown key "titel", did you mean "title"?`},
		{File: "camd.yaml", Line: 9, Column: 20, Message: "CREDENTIALS_DIRECTORY is not set"},
	}}
	for _, p := range []Target{
		{Config: one, ConfigName: "camd.yaml"},
		{Config: one},
		{Config: relay, ConfigName: "camd.yaml"},
		{Config: config.Default(), ConfigName: "camd.yaml"},
		{Config: one, ConfigName: "camd.yaml", ConfigErr: mistakes},
		{Config: one, ConfigName: "camd.yaml", ConfigErr: &fs.PathError{Op: "open", Path: "camd.yaml", Err: fs.ErrPermission}},
	} {
		all = append(all, checkConfig(p)...)
	}
	return all
}

func goldenBuses(ctx context.Context) (all []Finding) {
	for _, b := range []BusReport{
		{Problem: "connection refused"},
		{Server: "10.0.0.4:4222", MaxPayload: 1 << 20},
		{Server: "10.0.0.4:4222", MaxPayload: 1 << 20, Sites: map[string]int{"north": 4}, Refused: map[string]uint64{"sites": 7}},
	} {
		all = append(all, checkBus(ctx, func(context.Context) BusReport { return b })...)
	}
	return all
}

func goldenDevices() []Finding {
	yuyv := []v4l2.Format{{FourCC: "YUYV"}}
	devices := []v4l2.Device{
		{Path: "/dev/camd-0", Card: "C920", Bus: "usb-0000:00:14.0-1", Capture: true, Formats: yuyv},
		{Path: "/dev/camd-1", Card: "C920", Bus: "usb-0000:00:14.0-2", Capture: true, Formats: yuyv},
		{Path: "/dev/camd-2", Capture: true, Problem: camera.Busy, Detail: "busy", Holders: []v4l2.Holder{{PID: 7, Name: "camd-capture"}}},
		{Path: "/dev/camd-3", Capture: true, Problem: camera.Busy, Detail: "open by vlc", Remedy: "close vlc"},
		{Path: "/dev/camd-4", Capture: true, Problem: camera.Permission, Detail: "permission denied", Remedy: "sudo usermod -aG video $USER"},
		{Path: "/dev/camd-5", Capture: true, Problem: camera.Busy, Remedy: "close vlc"},
	}
	cameras := []options.Camera{
		testCamera("c0", sourceurl.Device, "/dev/camd-0"), testCamera("c1", sourceurl.Device, "/dev/camd-1"), testCamera("c2", sourceurl.Device, "/dev/camd-2"),
		testCamera("c3", sourceurl.Device, "/dev/camd-3"), testCamera("c4", sourceurl.Device, "/dev/camd-4"),
		testCamera("gone", sourceurl.Device, "/dev/camd-9"), testCamera("null", sourceurl.Device, "/dev/null"),
		testCamera("film", sourceurl.File, "/srv/film.mp4"), testCamera("lost", sourceurl.File, "/srv/lost.mp4"), testCamera("secret", sourceurl.File, "/srv/secret.mp4"),
	}
	cameras[0].Size, cameras[1].Size = sourceurl.Size{Width: 1280, Height: 720}, sourceurl.Size{Width: 1280, Height: 720}
	open := func(path string) error {
		return map[string]error{"/srv/lost.mp4": fs.ErrNotExist, "/srv/secret.mp4": fs.ErrPermission}[path]
	}
	all := append(checkCameras(devices, cameras, open), checkCameras(nil, nil, open)...)
	all = append(all, checkBandwidth(devices, cameras, func(string) int { return 480 })...)
	cameras[0].Size = sourceurl.Size{Width: 640, Height: 480}
	return append(all, checkBandwidth(devices, cameras[:1], func(string) int { return 480 })...)
}

func goldenNetworkCameras(t *testing.T) []Finding {
	t.Helper()
	cfg := config.Default()
	failures := map[string]error{"off": nil, "good": nil, "broken": errors.New("cannot be started")}
	for id, reason := range map[string]camera.Reason{
		"auth": camera.Auth, "far": camera.Unreachable, "path": camera.NotFound, "large": camera.TooLarge, "stream": camera.BadStream,
	} {
		failures[id] = &source.ProbeError{Reason: reason, Detail: "DETAIL"}
	}
	for _, id := range []string{"good", "off", "auth", "far", "path", "large", "stream", "broken"} {
		src, err := sourceurl.Parse("rtsp://10.0.0.7/" + id)
		if err != nil {
			t.Fatal(err)
		}
		c := config.DefaultCamera(id, src)
		c.Paused = id == "off"
		if id == "good" || id == "path" {
			c.Substream = src
			c.Substream.URL.Path += "/small"
		}
		cfg.Cameras = append(cfg.Cameras, c)
	}
	return checkNetworkCameras(t.Context(), cfg, "camd-capture", func(_ context.Context, o source.Options, _ time.Duration) (source.ProbeReport, error) {
		return source.ProbeReport{Format: camera.Format{Codec: "h264"}, FPS: 24.9, Frame: broker.Frame{Format: media.NewJPEGFormat(1920, 1080)}}, failures[o.ID]
	})
}

func goldenSockets(t *testing.T) (all []Finding) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	down := func(context.Context) error { return errors.New("no camd") }
	for _, p := range []Target{
		{CheckHealth: down, Config: &config.Config{Listen: "unix:/nowhere/camd.sock"}},
		{CheckHealth: down, Config: &config.Config{Listen: "unix:/tmp/camd-golden-free"}},
		{CheckHealth: down, Config: &config.Config{Listen: "192.0.2.1:8080"}},
		{CheckHealth: down, Config: &config.Config{Listen: "unix:" + file}},
		{CheckHealth: func(context.Context) error { return nil }, Config: &config.Config{Listen: "unix:" + file}},
	} {
		f := checkPort(t.Context(), p)
		f.Text = strings.ReplaceAll(f.Text, dir, "DIR")
		all = append(all, f)
	}
	return all
}

func goldenTLS() (all []Finding) {
	generated := &config.Config{Listen: "0.0.0.0:8443", TLS: &config.TLS{SelfSigned: true}}
	for _, p := range []Target{
		{Config: &config.Config{Listen: "0.0.0.0:8080"}},
		{Config: generated, StateDir: "/nowhere/state"},
		{Config: generated, ServiceDir: "/var/lib/camd"},
		{Config: generated},
	} {
		all = append(all, checkTLS(p)...)
	}
	return all
}

func goldenAccess() (all []Finding) {
	for _, role := range append([]access.Role{""}, access.Roles...) {
		c := &config.Config{Listen: "0.0.0.0:8080", Auth: &config.Auth{}}
		c.Auth.Anonymous.Role = string(role)
		all = append(all, checkAccess(c)...)
	}
	return all
}
