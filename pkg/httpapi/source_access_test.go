package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"camd/pkg/access"
	"camd/pkg/camera"
)

// The source and the detail of a camera can hold addresses, user names and paths. Only the role admin sees them.
func TestSourceAndDetailAreForAdmins(t *testing.T) {
	const source, detail = "rtsp://planted-user@planted-host/1", "dial tcp planted-host:554: planted-detail"
	yard := &cameraWithHistory{newTestCamera("yard"), []camera.StateChange{{State: camera.Offline, Reason: camera.Unreachable, Detail: detail, Since: time.Unix(1700000000, 0)}}}
	yard.status.Source, yard.status.State, yard.status.Reason, yard.status.Detail = source, camera.Offline, camera.Unreachable, detail
	offline := camera.StateChange{State: camera.Offline, Reason: camera.Undecodable, Detail: detail}
	yard.status.Streams = []camera.Stream{{Name: camera.Main, Track: camera.Video, StateChange: offline}}
	yard.status.Decoders = []camera.Decoder{{Track: camera.Video, StateChange: offline}}
	yard.publish(1)
	s := New(Options{Config: Config{
		Auth: access.New(authOptions(t)), Cameras: map[string]Camera{"yard": yard}, Order: []string{"yard"},
	}})
	link, err := linkKey.Sign("yard", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range s.routeTable() {
		if strings.HasSuffix(rt.pattern, "stream") || strings.HasSuffix(rt.pattern, ".mjpg") || rt.method == http.MethodPost {
			continue
		}
		path := strings.NewReplacer("{camera}", "yard", "{file}", "base.css").Replace(rt.pattern)
		answer := func(query string, header ...string) string {
			r := httptest.NewRequest(rt.method, "http://localhost"+path+query, strings.NewReader(`{"paused": false}`))
			r.Header.Set("Content-Type", "application/json")
			for i := 0; i+1 < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w.Body.String()
		}
		for _, role := range []access.Role{access.View, access.Control, access.Metrics} {
			if text := answer("", bearer(role, "all")...); strings.Contains(text, "planted") {
				t.Errorf("%s %s shows %s to the role %s", rt.method, path, text, role)
			}
		}
		if text := answer("?link=" + link); strings.Contains(text, "planted") {
			t.Errorf("%s %s shows %s to a link", rt.method, path, text)
		}
		want := map[string]int{"/api/v1/cameras": 4, "/api/v1/cameras/{camera}": 4, "/api/v1/cameras/{camera}/history": 1}[rt.pattern]
		if rt.method == http.MethodPatch {
			want = 0 // this camera cannot be turned off
		}
		text := answer("", bearer(access.Admin, "yard")...)
		if got := strings.Count(text, source) + strings.Count(text, detail); got != want {
			t.Errorf("%s %s shows %d of the texts to the role admin, want %d: %s", rt.method, path, got, want, text)
		}
	}
}
