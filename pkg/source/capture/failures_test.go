package capture

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

const secret = "hush-hush"

// withSecrets adds a user, a password, and a query with a secret.
func withSecrets(url string) string {
	return strings.Replace(url, "://", "://viewer:"+secret+"@", 1) + "?token=" + secret
}

func TestFailuresReportReasonWithoutSecrets(t *testing.T) {
	write := func(content string) func(*testing.T) string {
		return func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "clip.mp4")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	web := func(status int, kind, body string) func(*testing.T) string {
		return func(t *testing.T) string {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}))
			t.Cleanup(s.Close)
			return withSecrets(s.URL + "/stream")
		}
	}
	text := func(s string) func(*testing.T) string { return func(*testing.T) string { return s } }
	rtsp := func(change func(url string) string) func(*testing.T) string {
		return func(t *testing.T) string {
			return change(testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "viewer", Password: "right"}).URL())
		}
	}
	for _, c := range []struct {
		name   string
		source func(*testing.T) string
		reason camera.Reason
		detail string
	}{
		{"missing file", text("/nowhere/clip.mp4"), camera.NoDevice, "does not exist"},
		{"text file", write("Dear diary,\ntoday I was called clip.mp4.\n"), camera.BadStream, "is a text file"},
		{"html file", write("<!DOCTYPE html><html></html>"), camera.BadStream, "text/html"},
		{"empty file", write(""), camera.BadStream, "is empty"},
		{"nonsense file", write(strings.Repeat("\x00\x01\xfe", 5000)), camera.BadStream, "is not a video that OpenCV can read"},
		{"directory", text("/usr"), camera.BadStream, "directory"},
		{"wrong source", text("gopher://x"), camera.BadStream, "gopher"},
		{"missing device", text("/dev/video99"), camera.NoDevice, "does not exist"},
		{"no camera", text("/dev/null"), camera.NotACamera, "not a V4L2 device"},
		{"html server", web(200, "text/html; charset=utf-8", "<html>log in"), camera.BadStream, "text/html"},
		{"http 401", web(401, "text/plain", ""), camera.Auth, "401"},
		{"http 403", web(403, "text/plain", ""), camera.Auth, "403"},
		{"http 404", web(404, "text/plain", ""), camera.NotFound, "404"},
		{"http 500", web(500, "text/plain", ""), camera.BadStream, "500"},
		{"http nonsense", web(200, "video/mp4", "nonsense"), camera.BadStream, "no video"},
		{"http refused", refusingServer("http"), camera.Unreachable, "refused the connection"},
		{"rtsp refused", refusingServer("rtsp"), camera.Unreachable, "refused the connection"},
		{"rtsp wrong password", rtsp(withSecrets), camera.Auth, "login failed (401)"},
		{"rtsp no password", rtsp(func(url string) string { return url }), camera.Auth, "requires a login (401)"},
		{"rtsp not found", rtsp(func(url string) string {
			return strings.Replace(strings.Replace(url, "/cam", "/other", 1), "://", "://viewer:right@", 1)
		}), camera.NotFound, "the server answered 404"},
		{"rtsp of a web server", func(t *testing.T) string {
			return strings.Replace(web(200, "text/html", "")(t), "http:", "rtsp:", 1)
		}, camera.BadStream, "did not answer in RTSP"},
		{"rtsp silent", silentServer("rtsp"), camera.Timeout, "no answer"},
		{"http silent", silentServer("http"), camera.Timeout, "no answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := startCapture(t, wire.Start{Source: c.source(t), ReadTimeout: time.Second, Capture: options.Capture{OpenTimeout: time.Second}})
			e, _ := awaitMessage[wire.Ended](d)
			if e.Reason != string(c.reason) || !strings.Contains(e.Detail, c.detail) {
				t.Errorf("got %q %q, want %q and …%s…", e.Reason, e.Detail, c.reason, c.detail)
			}
			if strings.Contains(e.Detail, secret) {
				t.Errorf("the secret is in %q", e.Detail)
			}
			if err := d.waitEnd(); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
}

// refusingServer returns an address that refuses connections.
func refusingServer(scheme string) func(*testing.T) string {
	return func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return withSecrets(scheme + "://" + l.Addr().String() + "/cam")
	}
}

// silentServer returns the address of a server that accepts connections and sends nothing.
func silentServer(scheme string) func(*testing.T) string {
	return func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts for it
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return withSecrets(scheme + "://" + l.Addr().String() + "/cam")
	}
}

func TestUnreadableFileReportsPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read the file")
	}
	path := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(path, []byte("x"), 0o000); err != nil {
		t.Fatal(err)
	}
	d := startCapture(t, wire.Start{Source: path})
	if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(camera.Permission) {
		t.Errorf("got %+v, want reason %q", e, camera.Permission)
	}
}

func TestLostServerReportsReason(t *testing.T) {
	for name, c := range map[string]struct {
		act     func(*testpeer.RTSPServer)
		timeout time.Duration
		reason  camera.Reason
	}{
		"stopped": {(*testpeer.RTSPServer).Stop, testrun.Deadline, camera.Disconnected},
		"silent":  {(*testpeer.RTSPServer).StopSending, 2 * time.Second, camera.Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			s := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264})
			d := startCapture(t, wire.Start{Source: s.URL(), ReadTimeout: c.timeout})
			d.send(wire.Demand{Wanted: true})
			d.frame()
			c.act(s)
			if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(c.reason) {
				t.Errorf("got %+v, want reason %q", e, c.reason)
			}
		})
	}
}
