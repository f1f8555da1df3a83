package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// longWriteTimeout keeps camd from disconnecting viewers that do not read for seconds, as those of a test on a busy machine.
const longWriteTimeout = "write_timeout: 10m\n"

// healthyCamera is a camera that no fault of others may disturb. A busy machine does not make it stall.
const healthyCamera = longWriteTimeout + "cameras:\n  - {id: healthy, source: 'test://?size=320x180&fps=15', stall_timeout: 2m}\n"

// One camera for each problem of a source, all at once: each is offline with its reason, and the healthy camera continues.
func TestBadSourcesAreOfflineWithReason(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := write(t, dir, "notes.mp4", "This is no video.\nThis is no video either.\n")
	empty := write(t, dir, "empty.mp4", "")
	noise := write(t, dir, "noise.mp4", strings.Repeat("\x00\x01\x02\xfe", 5000))
	whole := mjpegClip.Make(t)
	rtsp := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: h264Clip, User: "viewer", Password: "secret"})
	half := truncateFirstPicture(t, whole, 0.5)
	web := serveHTTP(t, serveWrongContent(servePictureTimes(readFile(t, half), 10000)))
	dead := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))

	cameras := []struct {
		id, source, more      string
		state, reason, detail string
	}{
		{"no-device", "/dev/camd-has-no-such-device", "", "offline", "no_device", "/dev/camd-has-no-such-device does not exist"},
		{"no-camera", "/dev/null", "", "offline", "not_a_camera", "/dev/null is not a V4L2 device"},
		{"no-file", filepath.Join(dir, "none.mp4"), "", "offline", "no_device", "none.mp4 does not exist"},
		{"text", text, "", "offline", "bad_stream", "is a text file (text/plain), not video"},
		{"empty", empty, "", "offline", "bad_stream", "empty.mp4 is empty"},
		{"noise", noise, "", "offline", "bad_stream", "noise.mp4 is not a video that OpenCV can read"},
		{"folder", dir, "", "offline", "bad_stream", "is a directory"},
		{"cut-header", truncateFile(t, whole, 0.001), "", "offline", "bad_stream", "is not a video that OpenCV can read"},
		{"cut-picture", half, "", "stalled", "damaged", "jpeg"},
		{"refused", "http://" + dead + "/stream.mjpg", "", "offline", "unreachable", dead + " refused the connection: check the port"},
		{"refused-rtsp", "rtsp://" + dead + "/cam", "", "offline", "unreachable", dead + " refused the connection: check the port"},
		{"html", web + "/page", "", "offline", "bad_stream", "the server sent text/html, not video"},
		{"gone", web + "/gone", "", "offline", "not_found", "the server answered 404: check the path in source"},
		{"broken", web + "/broken", "", "offline", "bad_stream", "500"},
		{"half", web + "/half", "", "offline", "damaged", "the stream contains only damaged pictures"},
		{"no-password", rtsp.URL(), "", "offline", "auth", "the server requires a login (401)"},
		{"wrong-password", rtsp.URL(), "user: viewer\n    password: wrong", "offline", "auth", "login failed (401): check user and password"},
		{"wrong-path", strings.Replace(rtsp.UserURL(), "/cam", "/other", 1), "", "offline", "not_found", "404"},
		{"not-rtsp", "rtsp" + strings.TrimPrefix(web, "http") + "/cam", "", "offline", "bad_stream", ""},
	}
	config := healthyCamera
	for _, c := range cameras {
		config += fmt.Sprintf("  - id: %s\n    source: %q\n    stall_timeout: 1s\n    open_timeout: 10s\n    %s\n", c.id, c.source, c.more)
	}
	d := start(t, options{config: config})
	w := d.startStreamChecker("healthy")
	for _, c := range cameras {
		// On a slow machine a first attempt may time out, so this waits for the reason.
		s := d.waitForCamera(c.id, c.state+" by "+c.reason, func(s state) bool { return s.State == c.state && s.Reason == c.reason || s.State == "live" })
		if s.State != c.state || s.Reason != c.reason || !strings.Contains(s.Detail, c.detail) || s.ReasonText == "" {
			t.Errorf("%s: %s, %s: %q; want %s, %s: %q", c.id, s.State, s.Reason, s.Detail, c.state, c.reason, c.detail)
		}
		// Only the header is decoded: decoding all these large pictures takes half a minute with the race detector.
		if p, err := watch(t, d.URL+"/cameras/"+c.id+"/stream.mjpg").read(); err != nil || jpegWidth(p.jpeg) != 1280 {
			t.Errorf("%s: a viewer gets %d bytes, %v; want a placeholder", c.id, len(p.jpeg), err)
		}
	}
	w.checkUndisturbed()
}

// A device or file that camd is not allowed to open is offline by permission.
func TestUnreadableSourceIsOfflineByPermission(t *testing.T) {
	t.Parallel()
	o := options{}
	o.bin, o.user = programsForNobody(t)
	// camd treats every path below /dev as a device.
	devices, err := os.MkdirTemp("/dev", "camd-")
	if err != nil {
		t.Skipf("cannot create a device: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(devices) })
	if err := os.Chmod(devices, 0o755); err != nil {
		t.Fatal(err)
	}
	video := write(t, devices, "video0", "")
	clip := write(t, o.bin, "clip.mp4", "")
	for _, path := range []string{video, clip} {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	o.config = healthyCamera + "  - {id: device, source: " + video + "}\n  - {id: file, source: " + clip + "}\n"
	d := start(t, o)
	w := d.startStreamChecker("healthy")
	for id, want := range map[string]string{"device": "permission denied for " + video + ": add camd's user to its group", "file": "permission denied for " + clip} {
		s := d.waitForState(id, "offline")
		if s.Reason != "permission" || !strings.Contains(s.Detail, want) {
			t.Errorf("%s: %s: %q, want %q", id, s.Reason, s.Detail, want)
		}
	}
	w.checkUndisturbed()
	// camd notices when the permission is granted.
	if err := os.Chmod(video, 0o666); err != nil {
		t.Fatal(err)
	}
	d.waitForCamera("device", "opened and refused for another reason", func(s state) bool { return s.Reason == "not_a_camera" })
	w.checkUndisturbed()
}
