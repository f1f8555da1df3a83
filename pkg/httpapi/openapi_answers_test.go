package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"camd/pkg/access"
	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/httpapi/wall"
)

// fullFeaturedCamera is a camera with all optional features.
type fullFeaturedCamera struct{ *adjustableCamera }

func (fullFeaturedCamera) SetPaused(context.Context, bool) (changed bool, err error) {
	return true, nil
}

func (fullFeaturedCamera) History() []camera.StateChange {
	now := time.Now()
	return []camera.StateChange{{State: camera.Live, Since: now}, {State: camera.Offline, Reason: camera.Timeout, Detail: "no answer", Since: now}}
}

// contractClient sends requests to a server, and compares the answers with the description.
type contractClient struct {
	*contract
	server *testServer
}

// request sends a request, and compares the answer with the description. header has names and values in turn. Only PATCH has a body.
func (c contractClient) request(t *testing.T, path, method, url, body string, header ...string) *http.Response {
	t.Helper()
	var content *strings.Reader
	req, err := http.NewRequest(method, c.server.url+url, nil)
	if body != "" {
		content = strings.NewReader(body)
		req, err = http.NewRequest(method, c.server.url+url, content)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // it follows no redirects
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	c.check(t, path, req, body, resp)
	return resp
}

func (c contractClient) get(t *testing.T, path, url string, header ...string) *http.Response {
	t.Helper()
	return c.request(t, path, http.MethodGet, url, "", header...)
}

// TestOpenAPIDescribesTheAnswers provokes every described answer, and compares each with the description.
func TestOpenAPIDescribesTheAnswers(t *testing.T) {
	a, offline := newAdjustableCamera(), offlineCamera()
	a.status.Controls, a.status.Format.Note = a.list, "30 fps became 25"
	none := newTestCamera("none")
	none.set(camera.Starting)
	s := startServer(t, Options{Version: "1.2.3", SavePaused: func(string, bool) error { return errors.New("disk full") }}, fullFeaturedCamera{a}, offline, none)
	c := contractClient{readContract(t), s}
	a.publishVideo()
	t.Run("streams", func(t *testing.T) { c.streams(t, a) })
	t.Run("snapshots", func(t *testing.T) { c.snapshots(t, a.testCamera, offline) })
	t.Run("state", func(t *testing.T) { c.state(t, a, none) })
	t.Run("changes", func(t *testing.T) { c.changes(t, a) })
	t.Run("files", func(t *testing.T) { c.files(t) })
	t.Run("access", func(t *testing.T) { c.access(t) })
	t.Run("wall", func(t *testing.T) { c.wall(t) })
	t.Run("no camera", func(t *testing.T) {
		empty := contractClient{c.contract, startServer(t, Options{BusState: func() BusState { return BusState{Refused: map[string]uint64{"rate": 1}} }})}
		empty.get(t, "/readyz", "/readyz")
		for _, path := range []string{"/stream", "/snapshot", "/state"} {
			empty.get(t, path, path)
		}
	})
	t.Run("no picture", func(t *testing.T) {
		for path, url := range map[string]string{"/snapshot": "/snapshot", "/cameras/{camera}/snapshot.jpg": "/cameras/x/snapshot.jpg"} {
			x := newTestCamera("x")
			silent, answered := contractClient{c.contract, startServer(t, Options{}, x)}, make(chan struct{})
			go func() { defer close(answered); silent.get(t, path, url) }()
			eventually(t, "it waits for one", func() bool { return x.topic.Subscriptions() == 1 })
			silent.server.stop(t)
			<-answered
		}
	})
	t.Run("no room", func(t *testing.T) {
		x := newTestCamera("x")
		x.video = a.video
		full := contractClient{c.contract, startServer(t, Options{Config: Config{Limits: Limits{Viewers: 1}}}, x)}
		full.server.get(t, "/stream")
		eventually(t, "it is full", func() bool { return len(full.server.fetchViewers(t, "")) == 1 })
		full.openWall(t)
		full.openWall(t)
		full.get(t, "/stream", "/stream")
		full.get(t, "/", "/?action=stream")
		full.get(t, "/cameras/{camera}/stream.mjpg", "/cameras/x/stream.mjpg")
		full.get(t, "/cameras/{camera}/stream.mp4", "/cameras/x/stream.mp4")
	})
	for _, what := range c.missing() {
		t.Errorf("%s is described and was not seen", what)
	}
}

func (c contractClient) streams(t *testing.T, a *adjustableCamera) {
	a.publish(1)
	c.get(t, "/cameras/{camera}/stream.mjpg", "/cameras/a/stream.mjpg?rendition=main&fps=5")
	c.get(t, "/cameras/{camera}/stream.mp4", "/cameras/a/stream.mp4?track=audio")
	c.get(t, "/cameras/{camera}/stream.mp4", "/cameras/a/stream.mp4?track=sub")
	_ = c.get(t, "/cameras/{camera}/stream.mp4", "/cameras/a/stream.mp4?track=video").Body.Close()
	c.get(t, "/stream", "/stream?key=abc&fps=0.5")
	c.get(t, "/", "/?action=stream&t=1")
	for _, query := range []string{"?fps=-1", "?fps=0", "?fps=1001", "?fps=many", "?rendition=none"} {
		c.get(t, "/cameras/{camera}/stream.mjpg", "/cameras/a/stream.mjpg"+query)
		c.get(t, "/stream", "/stream"+query)
		c.get(t, "/", "/?action=stream&"+query[1:])
	}
	c.get(t, "/cameras/{camera}/stream.mjpg", "/cameras/nope/stream.mjpg")
	eventually(t, "they watch", func() bool { return len(c.server.fetchViewers(t, "")) == 3 })
	a.publish(2)
	a.publish(3)
	eventually(t, "some are dropped", func() bool {
		return slices.ContainsFunc(c.server.fetchViewers(t, ""), func(v viewerJSON) bool { return v.DroppedFor[viewers.DropRate] > 0 })
	})
	c.get(t, "/api/v1/viewers", "/api/v1/viewers?camera=a")
	c.get(t, "/api/v1/viewers", "/api/v1/viewers?camera=nope")
	c.get(t, "/state", "/state")
}

func (c contractClient) snapshots(t *testing.T, a, offline *testCamera) {
	const path = "/cameras/{camera}/snapshot.jpg"
	a.publish(1)
	offline.publish(1)
	offline.placeholder()
	tag := c.get(t, path, "/cameras/a/snapshot.jpg?max_age=1h").Header.Get("ETag")
	c.get(t, path, "/cameras/a/snapshot.jpg?rendition=main&fresh=0&max_age=1h30m0.5s", "If-None-Match", tag)
	for _, query := range []string{"?fresh=perhaps", "?max_age=soon", "?max_age=-1", "?rendition=none"} {
		c.get(t, path, "/cameras/a/snapshot.jpg"+query)
		c.get(t, "/snapshot", "/snapshot"+query)
	}
	c.get(t, path, "/cameras/nope/snapshot.jpg")
	for p, url := range map[string]string{path: "/cameras/a/snapshot.jpg", "/snapshot": "/snapshot", "/": "/?action=snapshot"} {
		a.publish(1)
		c.get(t, p, url)
		c.get(t, p, url, "If-None-Match", "*")
		c.get(t, p, url, "If-Match", `"another"`)
		c.get(t, p, url, "Range", "bytes=0-1")
		c.get(t, p, url, "Range", "bytes=0-1,5-6")
		c.get(t, p, url, "Range", "bytes=99999999-")
	}
	c.get(t, path, "/cameras/yard/snapshot.jpg")
	c.get(t, "/", "/?action=snapshot_1")
	c.get(t, "/", "/?action=snapshot_9")
	c.get(t, "/", "/?action=dance")
	c.get(t, "/", "/?action=command")
	a.set(camera.Offline)
	a.placeholder()
	c.get(t, "/snapshot", "/snapshot")
	a.set(camera.Live)
	a.publish(1)
}

func (c contractClient) state(t *testing.T, a *adjustableCamera, none *testCamera) {
	c.get(t, "/api/v1/cameras", "/api/v1/cameras")
	for _, id := range []string{"a", "yard", "none", "nope"} {
		c.get(t, "/api/v1/cameras/{camera}", "/api/v1/cameras/"+id)
		c.get(t, "/api/v1/cameras/{camera}/controls", "/api/v1/cameras/"+id+"/controls")
		c.get(t, "/api/v1/cameras/{camera}/history", "/api/v1/cameras/"+id+"/history")
	}
	c.get(t, "/readyz", "/readyz")
	none.set(camera.Idle)
	c.server.RecordReload(nil, []string{"listen"})
	c.server.SetLastGood(time.Unix(1, 0), errors.New("the last good configuration is in force"))
	c.server.RecordReload(errors.New("camd.yaml:1:1: what"), nil)
	c.get(t, "/readyz", "/readyz")
	c.get(t, "/healthz", "/healthz")
	c.get(t, "/metrics", "/metrics")
	c.get(t, "/metrics", "/metrics", "Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	c.get(t, "/api/v1/openapi.json", "/api/v1/openapi.json")
}

func (c contractClient) changes(t *testing.T, a *adjustableCamera) {
	const path, list, good = "/api/v1/cameras/{camera}", "/api/v1/cameras/{camera}/controls", `{"controls": {"brightness": 1, "flip": true, "menu": "50 Hz"}}`
	change := func(body, kind string) {
		t.Helper()
		c.request(t, path, http.MethodPatch, "/api/v1/cameras/a", body, "Content-Type", kind)
	}
	change(good, "application/json")
	change(`{"paused": true}`, "application/json")
	change(`{"paused": false, "controls": {"brightness": 1}}`, "application/json")
	for _, bad := range []string{`{}`, `{"controls": {}}`, `{"paused": true, "controls": {"brightness": 1}}`, `{"paused": 1}`, `{"controls": {"brightness": 1.5}}`, `{"control": {}}`, `[]`, `x`} {
		change(bad, "application/json")
	}
	change(good, "text/plain")
	change(good+strings.Repeat(" ", maxJSON), "application/json")
	for _, err := range []error{
		camera.ControlErrorf(camera.NoControls, "why"), camera.ControlErrorf(camera.NotOpen, "why"), camera.ControlErrorf(camera.BadSetting, "why"),
		camera.ControlErrorf(camera.SettingRefused, "why"), camera.ControlErrorf(camera.ControlsTimeout, "why"), camera.ControlErrorf(camera.CameraPaused, "why"), errors.New("why"),
	} {
		a.err = err
		change(good, "application/json")
		var e *camera.ControlError
		if errors.As(err, &e) && e.Kind != camera.BadSetting { // a request for the list of controls cannot have this error
			c.get(t, list, "/api/v1/cameras/a/controls")
		}
	}
	a.err = nil
}

func (c contractClient) files(t *testing.T) {
	c.get(t, "/cameras/{camera}", "/cameras/nope")
	for name, path := range map[string]string{
		"/": "/", "/cameras/a": "/cameras/{camera}",
		"/assets/dashboard.js": "/assets/{file}", "/assets/base.css": "/assets/{file}", "/assets/icon.svg": "/assets/{file}",
	} {
		c.get(t, path, name)
		c.get(t, path, name, "If-None-Match", "*")
		c.get(t, path, name, "If-Match", `"another"`)
		c.get(t, path, name, "Range", "bytes=0-1")
		c.get(t, path, name, "Range", "bytes=0-1,5-6")
		c.get(t, path, name, "Range", "bytes=99999999-")
	}
	for _, name := range []string{"index.html", "nothing", ".."} {
		c.get(t, "/assets/{file}", "/assets/"+name)
	}
}

// upgradeHeaders request a WebSocket without a version.
var upgradeHeaders = []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Key", "MDEyMzQ1Njc4OWFiY2RlZg=="}

// openWall opens a wall, until the test ends.
func (c contractClient) openWall(t *testing.T, cameras ...string) *http.Response {
	t.Helper()
	return c.get(t, "/api/v1/wall", "/api/v1/wall?view=full&decodes=avc1.640028&cameras="+strings.Join(cameras, ","), append([]string{"Sec-WebSocket-Version", "13"}, upgradeHeaders...)...)
}

func (c contractClient) wall(t *testing.T) {
	const path = "/api/v1/wall"
	version := []string{"Sec-WebSocket-Version", "13"}
	_ = c.openWall(t, "a", "yard").Body.Close()
	c.get(t, path, path)
	c.get(t, path, path, "Upgrade", "websocket")
	c.get(t, path, path, upgradeHeaders...)
	c.get(t, path, path+"?view=huge", append(version, upgradeHeaders...)...)
	c.get(t, path, path+"?"+strings.Repeat("x", wall.MaxQueryBytes+1), upgradeHeaders...)
	c.get(t, path, path, append(append(version, upgradeHeaders...), "Origin", "http://elsewhere.example")...)
}

// access provokes the answers for requests without credentials, with credentials, and after too many attempts.
func (c contractClient) access(t *testing.T) {
	o := authOptions(t)
	s, _, _ := startWithAuth(t, o)
	g := contractClient{c.contract, s}
	for _, rt := range s.routeTable() {
		if rt.role == publicRole {
			continue
		}
		url := strings.ReplaceAll(rt.pattern, "{camera}", "yard")
		g.request(t, rt.pattern, rt.method, url, "")
		other := bearer(access.Metrics, "all")
		if rt.role == access.Metrics {
			other = bearer(access.View, "all")
		}
		g.request(t, rt.pattern, rt.method, url, "", other...)
	}
	g.links(t)
	g.login(t)
	o.LinkKey, o.Users = nil, nil
	without, _, _ := startWithAuth(t, o)
	w := contractClient{c.contract, without}
	w.request(t, "/api/v1/cameras/{camera}/links", http.MethodPost, "/api/v1/cameras/yard/links", `{"for": "1h"}`, append(bearer(access.Admin, "all"), "Content-Type", "application/json")...)
	w.get(t, "/login", "/login")
	w.request(t, "/login", http.MethodPost, "/login", "user=a&password=b", "Content-Type", "application/x-www-form-urlencoded")
}

func (c contractClient) links(t *testing.T) {
	const path = "/api/v1/cameras/{camera}/links"
	link := func(camera, body, kind string) {
		t.Helper()
		c.request(t, path, http.MethodPost, "/api/v1/cameras/"+camera+"/links", body, append(bearer(access.Admin, "all"), "Content-Type", kind)...)
	}
	const good, kind = `{"for": "1h"}`, "application/json"
	link("yard", good, kind)
	link("nope", good, kind)
	link("yard", good, "text/plain")
	link("yard", good+strings.Repeat(" ", maxJSON), kind)
	for _, bad := range []string{`{}`, `{"for": "-1h"}`, `{"for": "721h"}`, `{"for": "soon"}`, `{"for": 1}`, `{"for": "1h", "x": 1}`, `x`} {
		link("yard", bad, kind)
	}
	c.get(t, "/api/v1/me", "/api/v1/me?link="+c.server.linkTo(t, "yard"))
	c.get(t, "/api/v1/me", "/api/v1/me", bearer(access.View, "all")...)
	c.get(t, "/cameras/{camera}", "/cameras/yard?link="+c.server.linkTo(t, "yard"))
	c.get(t, "/", "/?link="+c.server.linkTo(t, "yard"))
}

func (c contractClient) login(t *testing.T) {
	send := func(body string) *http.Response {
		t.Helper()
		return c.request(t, "/login", http.MethodPost, "/login", body, "Content-Type", "application/x-www-form-urlencoded")
	}
	c.get(t, "/login", "/login?next=/")
	send("user=anna&password=hunter2&next=/")
	send("user=%zz")
	send("user=" + strings.Repeat("x", maxForm))
	for n := range 100 {
		if send(fmt.Sprint("user=anna&password=wrong", n)).StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	c.request(t, "/logout", http.MethodPost, "/logout", "")
}
