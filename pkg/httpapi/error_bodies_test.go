package httpapi

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"camd/internal/testrun"
	"camd/pkg/access"
	"camd/pkg/httpapi/wall"
)

var update = flag.Bool("update", false, "write the golden file")

// The golden file shows the bodies of errors as users meet them, so that a reviewer can read them in one place.
func TestErrorBodiesAreInTheGoldenFile(t *testing.T) {
	s, _, _ := startWithAuth(t, authOptions(t))
	noUsers, _, _ := startWithAuth(t, access.Options{Tokens: allTokens(t), Anonymous: access.Permission{Role: access.Admin}})
	const browser, yard, camera = "text/html", "/cameras/yard/", "/api/v1/cameras/yard"
	admin, control := bearer(access.Admin, "all"), bearer(access.Control, "all")
	json := []string{"Content-Type", "application/json"}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	type request struct {
		server             *testServer
		method, path, body string
		header             []string
	}
	var out strings.Builder
	for _, c := range []request{
		{s, "GET", "/cameras/yard", "", nil},
		{s, "GET", "/cameras/yard", "", []string{"Authorization", "Bearer wrong"}},
		{s, "GET", "/cameras/yard?link=wrong", "", nil},
		{s, "GET", "/api/v1/viewers", "", control},
		{s, "GET", "/api/v1/viewers", "", append([]string{"Accept", browser}, control...)},
		{s, "GET", "/metrics", "", append([]string{"Accept", browser}, bearer(access.View, "all")...)},
		{s, "GET", "/nowhere", "", nil},
		{s, "GET", "/nowhere", "", []string{"Accept", browser}},
		{s, "GET", "/cameras/nope", "", admin},
		{s, "GET", "/cameras/nope", "", append([]string{"Accept", browser}, admin...)},
		{s, "DELETE", "/", "", admin},
		{s, "GET", "/assets/nope.js", "", nil},
		{s, "GET", yard + "stream.mjpg?rendition=huge", "", admin},
		{s, "GET", yard + "stream.mjpg?fps=0", "", admin},
		{s, "GET", yard + "stream.mp4?track=audio", "", admin},
		{s, "GET", yard + "stream.mp4?track=sub", "", admin},
		{s, "GET", yard + "stream.mp4", "", admin},
		{s, "GET", yard + "snapshot.jpg?fresh=yes", "", admin},
		{s, "GET", yard + "snapshot.jpg?max_age=old", "", admin},
		{s, "GET", "/?action=stream_9", "", admin},
		{s, "GET", "/?action=dance", "", admin},
		{s, "GET", "/?action=command", "", admin},
		{s, "GET", "/api/v1/wall", "", admin},
		{s, "GET", "/api/v1/wall?cameras=" + strings.Repeat("x", wall.MaxQueryBytes), "", append([]string{"Connection", "Upgrade", "Upgrade", "websocket"}, admin...)},
		{s, "POST", "/login", "user=anna&password=wrong", append([]string{"Origin", "https://elsewhere.example"}, form...)},
		{s, "POST", "/login", strings.Repeat("x", maxForm+1), form},
		{s, "POST", "/login", "%", form},
		{s, "PATCH", camera, `{}`, control},
		{s, "PATCH", camera, `{}`, append(json, control...)},
		{s, "PATCH", camera, `{"pause": true}`, append(json, control...)},
		{s, "PATCH", camera, `{"paused": true} {}`, append(json, control...)},
		{s, "PATCH", camera, `{"paused": true}`, append(json, control...)},
		{s, "PATCH", camera, `{"controls": {"Zoom!": 1}}`, append(json, control...)},
		{s, "PATCH", camera, `{"controls": {"zoom": 1.5}}`, append(json, control...)},
		{s, "PATCH", camera, `{"controls": {"zoom": []}}`, append(json, control...)},
		{s, "PATCH", camera, strings.Repeat(" ", maxJSON+1), append(json, control...)},
		{s, "PATCH", camera, strings.Repeat(" ", maxBodyBytes+1), append(json, control...)},
		{s, "POST", camera + "/links", `{"for": "forever"}`, append(json, control...)},
		{noUsers, "POST", camera + "/links", `{"for": "1h"}`, json},
		{noUsers, "GET", "/login", "", nil},
		{noUsers, "GET", "/login", "", []string{"Accept", browser}},
	} {
		resp := c.server.send(t, c.method, c.path, c.body, c.header...)
		kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
		text := body(t, resp)
		if kind == "text/html" {
			_, text, _ = strings.Cut(text, "<main")
			_, text, _ = strings.Cut(text, "\n")
			text, _, _ = strings.Cut(text, "</main>")
		}
		fmt.Fprintf(&out, "%s\n%d %s\n%s\n\n", strings.TrimSpace(fmt.Sprintf("%s %.80s %.60s", c.method, c.path, c.body)), resp.StatusCode, kind, strings.TrimSpace(text))
	}
	for _, path := range []string{"/", "/nowhere"} { // of the listener for metrics
		w := httptest.NewRecorder()
		s.MetricsHandler().ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1"+path, nil))
		fmt.Fprintf(&out, "GET %s at metrics_listen\n%d %s\n\n", path, w.Code, strings.TrimSpace(w.Body.String()))
	}
	testrun.CheckGolden(t, "testdata/error_bodies.txt", strings.TrimSpace(out.String())+"\n", *update)
}
