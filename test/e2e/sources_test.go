package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// Every kind of source is live in one daemon.
func TestEveryKindOfSourceIsServed(t *testing.T) {
	t.Parallel()
	avi, mp4 := mjpegClip.Make(t), h264Clip.Make(t)
	web := testpeer.ServeHTTP(t, webClip)
	h264 := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: h264Clip})
	jpegs := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: mjpegClip})
	locked := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: h264Clip, User: "viewer", Password: "p@ss:w/rd %"})
	secret := write(t, t.TempDir(), "password", "p@ss:w/rd %\n")

	cameras := []struct {
		id, source, more string
		codec, size      string
		passthrough      bool
	}{
		{"pattern", "test://?size=640x360&fps=15", "quality: 70", "test", "640x360", false},
		{"avi", avi, "", "mjpeg", "320x176", true},
		{"mp4", "file://" + mp4, "", "h264", "320x176", true},
		{"http", web, "", "mjpeg", "480x272", true},
		{"rtsp-tcp", h264.URL(), "", "h264", "320x176", true},
		{"rtsp-udp", h264.URL(), "transport: udp", "h264", "320x176", true},
		{"rtsp-mjpeg", jpegs.URL(), "", "mjpeg", "320x176", true},
		{"password-file", locked.URL(), "user: viewer\n    password_file: " + secret, "h264", "320x176", true},
		{"password-env", "rtsp://viewer@" + locked.Address + "/cam", "password: ${E2E_PASSWORD}", "h264", "320x176", true},
		{"password-url", locked.UserURL(), "on_demand: true", "h264", "320x176", true},
	}
	var config strings.Builder
	config.WriteString("cameras:\n")
	for _, c := range cameras {
		fmt.Fprintf(&config, "  - id: %s\n    source: %q\n    stall_timeout: 2m\n    %s\n", c.id, c.source, c.more)
	}
	d := start(t, options{config: config.String(), env: []string{"E2E_PASSWORD=p@ss:w/rd %"}})
	if s := d.waitForState("password-url", "idle"); s.Worker.PID != 0 {
		t.Errorf("on demand, unwatched, with process %d", s.Worker.PID)
	}
	for _, c := range cameras {
		t.Run(c.id, func(t *testing.T) {
			v := watch(t, d.URL+"/cameras/"+c.id+"/stream.mjpg")
			for range 10 {
				if p, err := v.read(); err != nil || !isJPEG(p.jpeg) {
					t.Fatalf("%d bytes, %v", len(p.jpeg), err)
				}
			}
			s := d.waitForState(c.id, "live")
			f := s.Format
			if size := fmt.Sprintf("%dx%d", f.Width, f.Height); f.Codec != c.codec || size != c.size || f.Passthrough != c.passthrough {
				t.Errorf("format %+v, want %s, %s, passthrough %v", f, c.codec, c.size, c.passthrough)
			}
			if strings.Contains(s.Source, "p@ss") || strings.Contains(s.Source, "p%40ss") {
				t.Errorf("source %s", s.Source)
			}
		})
	}
	t.Run("avi is served as it is", func(t *testing.T) { checkPacketsServed(t, d, "avi", avi) })
	t.Run("http is served as it is", func(t *testing.T) { checkPacketsServed(t, d, "http", webClip.Make(t)) })
	t.Run("clips start again", func(t *testing.T) {
		for id, clip := range map[string]testpeer.Clip{"avi": mjpegClip, "mp4": h264Clip} {
			s := d.waitForCamera(id, "beyond its end", func(s state) bool { return s.Counts.Captured > uint64(clip.Frames())*3/2 })
			if s.Counts.Restarts["end_of_file"] != 0 || s.State != "live" {
				t.Errorf("%s: %+v", id, s)
			}
		}
	})
}

// checkPacketsServed checks that a camera's pictures are, byte for byte, those that ffmpeg finds in a file.
func checkPacketsServed(t *testing.T, d *daemon, id, clip string) {
	dir := t.TempDir()
	ffmpeg := testpeer.RequireProgram(t, "ffmpeg", "ffmpeg")
	out, err := exec.Command(ffmpeg, "-nostdin", "-v", "error", "-i", clip, "-c", "copy", "-f", "image2", filepath.Join(dir, "%04d.jpg")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	packets := map[string]string{}
	names, err := filepath.Glob(filepath.Join(dir, "*.jpg"))
	if err != nil || len(names) < 30 {
		t.Fatalf("%d packets, %v", len(names), err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		packets[string(b)] = name
	}
	v := watch(t, d.URL+"/cameras/"+id+"/stream.mjpg")
	different := map[string]bool{}
	for range 40 {
		p, err := v.read()
		if err != nil {
			t.Fatal(err)
		}
		name, ok := packets[string(p.jpeg)]
		if !ok {
			t.Fatalf("a picture of %d bytes is not in %s", len(p.jpeg), clip)
		}
		different[name] = true
	}
	if len(different) < 10 {
		t.Errorf("only %d different pictures in 40", len(different))
	}
}
