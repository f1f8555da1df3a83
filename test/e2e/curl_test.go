package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// curl gets snapshots and every other address whose answer ends.
func TestCurlGetsEveryAddress(t *testing.T) {
	t.Parallel()
	curl := testpeer.RequireProgram(t, "curl", "curl")
	d := start(t, options{config: "cameras:\n  - {id: a, source: 'test://?size=320x180&fps=10', stall_timeout: 2m}\n  - {id: b, source: 'test://?size=160x96&fps=10', stall_timeout: 2m}\n"})
	d.waitForState("a", "live")
	d.waitForState("b", "live")
	w := d.startStreamChecker("a")
	for _, c := range []struct {
		path string
		code int
		kind string
		want string // in the body
	}{
		{"/", 200, "text/html; charset=utf-8", "<title>camd</title>"},
		{"/assets/api.js", 200, "text/javascript; charset=utf-8", "fetch("},
		{"/assets/wall.js", 200, "text/javascript; charset=utf-8", "WebSocket"},
		{"/assets/dashboard.css", 200, "text/css; charset=utf-8", ".tile"},
		{"/assets/icon.svg", 200, "image/svg+xml", "<svg"},
		{"/assets/nothing.js", 404, "text/plain; charset=utf-8", ""},
		{"/cameras/a", 200, "text/html; charset=utf-8", "/assets/camera.js"},
		{"/cameras/c", 404, "text/plain; charset=utf-8", `no camera "c": the cameras are a, b`},
		{"/cameras/a/snapshot.jpg", 200, "image/jpeg", "\xff\xd8"},
		{"/cameras/a/snapshot.jpg?fresh=1", 200, "image/jpeg", "\xff\xd8"},
		{"/cameras/a/snapshot.jpg?fresh=maybe", 400, "text/plain; charset=utf-8", `fresh="maybe"`},
		{"/cameras/a/snapshot.jpg?max_age=old", 400, "text/plain; charset=utf-8", `max_age="old"`},
		{"/cameras/a/snapshot.jpg?rendition=tiny", 404, "text/plain; charset=utf-8", "its renditions are main, preview"},
		{"/cameras/c/snapshot.jpg", 404, "text/plain; charset=utf-8", `no camera "c": the cameras are a, b`},
		{"/cameras/c/stream.mjpg", 404, "text/plain; charset=utf-8", `no camera "c": the cameras are a, b`},
		{"/cameras/a/stream.mjpg?fps=-1", 400, "text/plain; charset=utf-8", `fps="-1" must be a number above 0`},
		{"/cameras/a/stream.mjpg?fps=many", 400, "text/plain; charset=utf-8", `fps="many"`},
		{"/cameras/a/stream.mjpg?fps=NaN", 400, "text/plain; charset=utf-8", `fps="NaN"`},
		{"/cameras/a/stream.mjpg?rendition=tiny", 404, "text/plain; charset=utf-8", "its renditions are main, preview"},
		{"/cameras/%2e%2e/stream.mjpg", 404, "text/plain; charset=utf-8", ""},
		{"/api/v1/cameras", 200, "application/json", `"state": "live"`},
		{"/api/v1/cameras/b", 200, "application/json", `"id": "b"`},
		{"/api/v1/cameras/c", 404, "application/json", `no camera \"c\"`},
		{"/api/v1/viewers?camera=a", 200, "application/json", `"transport": "http1"`},
		{"/api/v1/viewers?camera=b", 200, "application/json", `"viewers": []`},
		{"/api/v1/viewers?camera=c", 404, "application/json", `no camera \"c\": the cameras are a, b`},
		{"/api/v1/openapi.json", 200, "application/json", `"openapi": "3.1.0"`},
		{"/metrics", 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", `camd_camera_up{camera="a"} 1`},
		{"/healthz", 200, "text/plain; charset=utf-8", "ok"},
		{"/readyz", 200, "application/json", `"ready"`},
		{"/nothing", 404, "text/plain; charset=utf-8", "the dashboard is at /"},
		{"/?action=snapshot", 200, "image/jpeg", "\xff\xd8"},
		{"/?action=snapshot_1", 200, "image/jpeg", "\xff\xd8"},
		{"/?action=snapshot_2", 404, "text/plain; charset=utf-8", "the cameras have the numbers 0 to 1"},
		{"/?action=dance", 400, "text/plain; charset=utf-8", "use stream or snapshot"},
		{"/snapshot", 200, "image/jpeg", "\xff\xd8"},
		{"/state", 200, "application/json", `"online": true`},
	} {
		o := run(t, curl, "-sS", "--path-as-is", "-w", "%{stderr}%{http_code} %{content_type}", d.URL+c.path)
		if want := strconv.Itoa(c.code) + " " + c.kind; o.code != 0 || o.stderr != want || !strings.Contains(o.stdout, c.want) {
			t.Errorf("%s: got %q, %.200q; want %q, %q", c.path, o.stderr, o.stdout, want, c.want)
		}
	}
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/", "405"}, {"DELETE", "/cameras/a/stream.mjpg", "405"}, {"HEAD", "/cameras/a/stream.mjpg", "200"},
		{"HEAD", "/cameras/a/snapshot.jpg", "200"}, {"HEAD", "/cameras/c/snapshot.jpg", "404"},
	} {
		args := []string{"-sS", "-o", "/dev/null", "-w", "%{http_code}", "-X", c.method}
		if c.method == http.MethodHead {
			args = append(args[:5:5], "--head")
		}
		if o := run(t, curl, append(args, d.URL+c.path)...); o.stdout != c.want {
			t.Errorf("%s %s: got %q %s, want %s", c.method, c.path, o.stdout, o.stderr, c.want)
		}
	}
	w.checkUndisturbed()
}
