package doctor

import (
	"io/fs"
	"strings"
	"testing"

	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/v4l2"
)

// testCamera returns a camera with a source of a kind and a path.
func testCamera(id string, kind sourceurl.Kind, path string) options.Camera {
	return config.DefaultCamera(id, sourceurl.Source{Kind: kind, Path: path})
}

// renderFindings renders findings for comparison: severity, check and text of each.
func renderFindings(all []Finding) string {
	var lines []string
	for _, f := range all {
		lines = append(lines, string(f.Severity)+" "+f.Check+" "+f.Text)
	}
	return strings.Join(lines, "\n")
}

func TestCheckCamerasReportsDevicesAndFiles(t *testing.T) {
	busy := v4l2.Device{Path: "/dev/video7", Card: "C920", Capture: true, Problem: camera.Busy, Detail: "busy"}
	denied := v4l2.Device{Path: "/dev/video8", Capture: true, Problem: camera.Permission, Detail: "open /dev/video8: permission denied", Remedy: "sudo usermod -aG video $USER"}
	by := func(name string) v4l2.Device {
		d := busy
		d.Holders, d.Remedy = []v4l2.Holder{{PID: 7, Name: name}}, "close "+name
		return d
	}
	for name, c := range map[string]struct {
		devices []v4l2.Device
		cameras []options.Camera
		want    []string // beginnings
		remedy  string   // of the first
	}{
		"none":           {nil, nil, []string{"ok device no capture device"}, ""},
		"missing":        {nil, []options.Camera{testCamera("yard", sourceurl.Device, "/dev/video7")}, []string{"FAIL device camera yard: /dev/video7 does not exist"}, "plug it in"},
		"no camera":      {nil, []options.Camera{testCamera("yard", sourceurl.Device, "/dev/null")}, []string{"FAIL device camera yard: /dev/null delivers no pictures"}, "choose another device; `camd devices`"},
		"read by camd":   {[]v4l2.Device{by("camd-capture")}, []options.Camera{testCamera("yard", sourceurl.Device, "/dev/video7")}, []string{"ok device camera yard: /dev/video7 (C920), in use by camd"}, ""},
		"read by others": {[]v4l2.Device{by("vlc")}, []options.Camera{testCamera("yard", sourceurl.Device, "/dev/video7")}, []string{"FAIL device camera yard: /dev/video7 (C920): another program uses the device"}, "close vlc"},
		"not configured": {[]v4l2.Device{by("vlc")}, nil, []string{"warn device /dev/video7 (C920), not configured"}, "close vlc"},
		"denied":         {[]v4l2.Device{denied}, []options.Camera{testCamera("yard", sourceurl.Device, "/dev/video8")}, []string{"FAIL device camera yard: /dev/video8: "}, "sudo usermod -aG video $USER"},
		"file":           {nil, []options.Camera{testCamera("film", sourceurl.File, "/srv/good.mp4")}, []string{"ok file camera film"}, ""},
		"no file":        {nil, []options.Camera{testCamera("film", sourceurl.File, "/srv/gone.mp4")}, []string{"FAIL file camera film: /srv/gone.mp4 does not exist"}, "copy the file there"},
		"closed file":    {nil, []options.Camera{testCamera("film", sourceurl.File, "/srv/secret.mp4")}, []string{"FAIL file camera film: /srv/secret.mp4 cannot be read by "}, "run chmod a+r /srv/secret.mp4"},
	} {
		t.Run(name, func(t *testing.T) {
			all := checkCameras(c.devices, c.cameras, func(path string) error {
				return map[string]error{"/srv/gone.mp4": fs.ErrNotExist, "/srv/secret.mp4": fs.ErrPermission}[path]
			})
			for i, want := range c.want {
				if i >= len(all) || !strings.HasPrefix(renderFindings(all[i:i+1]), want) {
					t.Fatalf("got\n%s\nwant %s", renderFindings(all), want)
				}
			}
			if !strings.HasPrefix(all[0].Remedy, c.remedy) {
				t.Errorf("remedy %q, want %q", all[0].Remedy, c.remedy)
			}
		})
	}
}

func TestCheckBandwidthWarnsWhenUSB2IsFull(t *testing.T) {
	yuyv, mjpeg := []v4l2.Format{{FourCC: "YUYV"}}, []v4l2.Format{{FourCC: "YUYV"}, {FourCC: "MJPG", Compressed: true}}
	at := func(n, bus string, f []v4l2.Format) v4l2.Device {
		return v4l2.Device{Path: "/dev/camd-test-video" + n, Bus: bus, Capture: true, Formats: f}
	}
	hd := func(n string) options.Camera {
		c := testCamera("c"+n, sourceurl.Device, "/dev/camd-test-video"+n)
		c.Size, c.FPS = sourceurl.Size{Width: 1280, Height: 720}, 15 // 27.6 MB/s raw
		return c
	}
	const one, two = "usb-0000:00:14.0-1", "usb-0000:00:14.0-2.1"
	for name, c := range map[string]struct {
		devices []v4l2.Device
		speed   int
		want    string
	}{
		"two raw at one":     {[]v4l2.Device{at("1", one, yuyv), at("2", two, yuyv)}, 480, "warn usb usb-0000:00:14.0: cameras send 55 MB/s of raw pictures (c1 28 MB/s, c2 28 MB/s); USB 2 carries about 40 MB/s"},
		"one of them mjpeg":  {[]v4l2.Device{at("1", one, yuyv), at("2", two, mjpeg)}, 480, "ok usb usb-0000:00:14.0: cameras send 28 MB/s of raw pictures (c1 28 MB/s)"},
		"both mjpeg":         {[]v4l2.Device{at("1", one, mjpeg), at("2", two, mjpeg)}, 480, ""},
		"USB 3":              {[]v4l2.Device{at("1", one, yuyv), at("2", two, yuyv)}, 5000, ""},
		"at two controllers": {[]v4l2.Device{at("1", one, yuyv), at("2", "usb-0000:05:00.0-1", yuyv)}, 480, "ok usb usb-0000:00:14.0: cameras send 28 MB/s of raw pictures (c1 28 MB/s)\nok usb usb-0000:05:00.0: cameras send 28 MB/s of raw pictures (c2 28 MB/s)"},
		"not USB":            {[]v4l2.Device{at("1", "platform:vivid-000", yuyv), at("2", "platform:vivid-001", yuyv)}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := renderFindings(checkBandwidth(c.devices, []options.Camera{hd("1"), hd("2")}, func(string) int { return c.speed })); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
