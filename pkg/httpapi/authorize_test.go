package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"camd/pkg/access"
)

// requestRoute sends a request to an address of the table, and returns the answer. Of a stream it returns only the head.
func (s *testServer) requestRoute(t *testing.T, rt route, camera string, header ...string) (*http.Response, string) {
	t.Helper()
	path := strings.NewReplacer("{camera}", camera, "{file}", "base.css").Replace(rt.pattern)
	if rt.method != http.MethodGet {
		header = append(header, "Content-Type", "application/json")
	}
	resp := s.send(t, rt.method, path, `{"for": "1h"}`, header...)
	if kind := resp.Header.Get("Content-Type"); strings.HasPrefix(kind, "multipart/") || strings.HasPrefix(kind, "video/") { // it has no end
		_ = resp.Body.Close()
		return resp, ""
	}
	return resp, body(t, resp)
}

// Every kind of requester requests every address for every camera. The answer follows from the role in the table. A camera that a requester may
// not see gets the same answer as one that does not exist.
func TestEveryRouteEnforcesItsRole(t *testing.T) {
	s, yard, shed := startWithAuth(t, authOptions(t))
	yard.publishVideo()
	shed.publishVideo()
	for _, rt := range s.routeTable() {
		if rt.role == publicRole {
			continue
		}
		if resp, text := s.requestRoute(t, rt, "yard"); resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" || strings.Contains(text, "yard") {
			t.Errorf("%s %s for nobody: %s %s", rt.method, rt.pattern, resp.Status, text)
		}
		for _, role := range access.Roles {
			for _, scope := range []string{"all", "yard", "none"} {
				for _, camera := range []string{"yard", "shed", "shad"} {
					yard.publish(1)
					shed.publish(2)
					resp, text := s.requestRoute(t, rt, camera, bearer(role, scope)...)
					got := resp.StatusCode
					name := fmt.Sprintf("%s %s of %s for %s at %s: %s %.100s", rt.method, rt.pattern, camera, role, scope, resp.Status, text)
					switch {
					case rt.role != anyRole && !role.Includes(rt.role), rt.role == access.Metrics && scope != "all":
						if got != http.StatusForbidden {
							t.Error(name + ", want 403")
						}
					case rt.camera != nil && (camera == "shad" || scope == "none" || scope == "yard" && camera != "yard"):
						if got != http.StatusNotFound || strings.Contains(text, "shed") && camera != "shed" && scope != "all" {
							t.Error(name + ", want 404 that knows of no shed")
						}
					case got == http.StatusUnauthorized, got == http.StatusForbidden, got == http.StatusNotFound && !mayBeMissing(rt, scope):
						t.Error(name + ", want it served")
					}
				}
				if rt.camera != nil && scope != "all" {
					s.checkIndistinguishable(t, rt, bearer(role, scope)...)
				}
			}
		}
	}
}

// mayBeMissing reports whether an address can answer 404: it is for the first visible camera, or a test camera does not support it.
func mayBeMissing(rt route, scope string) bool {
	switch rt.pattern {
	case "/stream", "/snapshot", "/state":
		return scope == "none"
	case "/api/v1/cameras/{camera}/controls":
		return true
	}
	return false
}

// checkIndistinguishable compares the answers for a hidden camera and for one that does not exist, byte for byte.
func (s *testServer) checkIndistinguishable(t *testing.T, rt route, header ...string) {
	t.Helper()
	hidden, text := s.requestRoute(t, rt, "shed", header...)
	absent, other := s.requestRoute(t, rt, "shad", header...)
	hidden.Header.Del("Date")
	absent.Header.Del("Date")
	if hidden.StatusCode != absent.StatusCode || fmt.Sprint(hidden.Header) != fmt.Sprint(absent.Header) || strings.ReplaceAll(text, "shed", "shad") != other {
		t.Errorf("%s %s for %s: %s %v %s\nand %s %v %s", rt.method, rt.pattern, header[1], hidden.Status, hidden.Header, text, absent.Status, absent.Header, other)
	}
}

// Public addresses give every requester the same answer, and name no camera.
func TestPublicRoutesShowNoCameras(t *testing.T) {
	s, _, _ := startWithAuth(t, authOptions(t))
	for _, rt := range s.routeTable() {
		if rt.role != publicRole {
			continue
		}
		nobody, text := s.requestRoute(t, rt, "yard")
		if strings.Contains(text, "yard") || strings.Contains(text, `"live": `) || nobody.StatusCode == http.StatusForbidden {
			t.Errorf("%s %s: %s %s", rt.method, rt.pattern, nobody.Status, text)
		}
		if resp, _ := s.requestRoute(t, rt, "yard", bearer(access.Metrics, "all")...); resp.StatusCode != nobody.StatusCode {
			t.Errorf("%s %s: %s for somebody, %s for nobody", rt.method, rt.pattern, resp.Status, nobody.Status)
		}
	}
}

// Lists omit cameras that the requester may not see.
func TestListsOmitHiddenCameras(t *testing.T) {
	s, yard, shed := startWithAuth(t, authOptions(t))
	for _, c := range []*testCamera{yard, shed} {
		_, stream := s.watch(t, "/cameras/"+c.Status().ID+"/stream.mjpg?link="+s.linkTo(t, c.Status().ID))
		nextPicture(t, stream)
	}
	for path, want := range map[string]string{
		"/api/v1/cameras":              `"id": "yard"`,
		"/api/v1/viewers":              `"camera": "yard"`,
		"/api/v1/viewers?camera=shed":  `no camera \"shed\": the cameras are yard`,
		"/cameras/shed/snapshot.jpg":   `no camera "shed": the cameras are yard`,
		"/readyz":                      `"live": 1`,
		"/?action=snapshot_1":          "no camera number 1: the cameras have the numbers 0 to 0",
		"/state":                       `"instance_id": "yard"`,
		"/api/v1/cameras/shed/history": `the cameras are yard`,
	} {
		text := body(t, s.get(t, path, bearer(access.Admin, "yard")...))
		if !strings.Contains(text, want) || strings.Contains(strings.ReplaceAll(text, `no camera \"shed\"`, ""), `"shed"`) && !strings.Contains(want, "shed") {
			t.Errorf("%s: %s", path, text)
		}
	}
	yard.publish(7)
	if got := body(t, s.get(t, "/?action=snapshot_0", bearer(access.View, "yard")...)); got != string(picture(7)) {
		t.Error("camera number 0 is not the first visible one")
	}
	for scope, want := range map[string]string{"all": `"restart"`, "yard": `"ok"`} {
		s.RecordReload(nil, []string{"listen"})
		if text := body(t, s.get(t, "/readyz", bearer(access.Admin, scope)...)); !strings.Contains(text, want) || scope == "yard" && strings.Contains(text, "listen") {
			t.Errorf("/readyz for %s: %s", scope, text)
		}
	}
}

func (s *testServer) linkTo(t *testing.T, camera string) string {
	t.Helper()
	text, err := s.config.Load().Auth.SignLink(camera, access.MaxLinkLifetime)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestUnauthenticatedRequestsAreRefused(t *testing.T) {
	s, _, _ := startWithAuth(t, authOptions(t))
	open, _, _ := startWithAuth(t, access.Options{Tokens: allTokens(t)}) // nobody can log in
	const page = "text/html,application/xhtml+xml"
	for _, c := range []struct {
		s              *testServer
		path           string
		header         []string
		code           int
		name, contents string // of a header
	}{
		{s, "/", []string{"Accept", page}, 303, "Location", "/login?next=%2F"},
		{s, "/cameras/yard?a=b", []string{"Accept", page}, 303, "Location", "/login?next=%2Fcameras%2Fyard%3Fa%3Db"},
		{s, "/cameras/yard?link=forged&a=b", []string{"Accept", page}, 303, "Location", "/login?ended=link&next=%2Fcameras%2Fyard%3Fa%3Db"},
		{s, "/", nil, 401, "WWW-Authenticate", `Basic realm="camd", charset="UTF-8"`},
		{s, "/api/v1/cameras", []string{"X-Requested-With", "camd"}, 401, "WWW-Authenticate", `Bearer realm="camd"`},
		{s, "/api/v1/cameras", []string{"Authorization", "Bearer nonsense"}, 401, "WWW-Authenticate", `Basic realm="camd", charset="UTF-8"`},
		{s, "/cameras/yard/stream.mjpg?link=forged", nil, 401, "WWW-Authenticate", `Bearer realm="camd"`},
		{open, "/", []string{"Accept", page}, 401, "WWW-Authenticate", `Bearer realm="camd"`},
		{open, "/login", []string{"Accept", page}, 404, "Content-Type", "text/html; charset=utf-8"},
		{open, "/login", nil, 404, "Content-Type", "text/plain; charset=utf-8"},
	} {
		resp := c.s.send(t, http.MethodGet, c.path, "", c.header...)
		if resp.StatusCode != c.code || resp.Header.Get(c.name) != c.contents || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s with %q: %s %v", c.path, c.header, resp.Status, resp.Header)
		}
	}
}

// Programs can use a name and password (Basic authentication).
func TestBasicAuthChecksNameAndPassword(t *testing.T) {
	s, _, _ := startWithAuth(t, authOptions(t))
	ask := func(user, password string) int {
		req, _ := http.NewRequest(http.MethodGet, s.url+"/cameras/yard/snapshot.jpg?max_age=1h", nil)
		req.SetBasicAuth(user, password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if got := fmt.Sprint(ask("anna", "hunter2"), ask("anna", "hunter3"), ask("nobody", "hunter2")); got != "200 401 401" {
		t.Errorf("got %s", got)
	}
}
