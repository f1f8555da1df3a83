package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"camd/pkg/access"
	"camd/pkg/camera"
)

// A camera of another site is served as any other, under its site's name and its own. What cannot be done from here is refused.
func TestRemoteCamera(t *testing.T) {
	far := newTestCamera("north.yard")
	far.status.Site, far.status.Remote = "north", true
	far.status.Counts.Published = map[string]uint64{camera.Main: 7}
	s := open(t, Options{}, newTestCamera("yard"), far)
	far.publish(1)
	for _, path := range []string{"/cameras/north.yard/", "/cameras/north.yard/snapshot.jpg", "/?action=snapshot_1", "/api/v1/cameras/north.yard/history"} {
		if resp := s.get(t, path); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	text := body(t, s.get(t, "/api/v1/cameras/north.yard"))
	for _, want := range []string{`"site": "north"`, `"remote": true`, `"stream": "/cameras/north.yard/stream.mjpg"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if resp, says := s.change(t, "north.yard", `{"paused": true}`); resp.StatusCode != http.StatusNotFound || !strings.Contains(says, "cannot be switched off") {
		t.Errorf("pause: %d %s", resp.StatusCode, says)
	}
	if resp := s.get(t, "/api/v1/cameras/north.yard/controls"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("controls: %d", resp.StatusCode)
	}
	metrics := body(t, s.get(t, "/metrics"))
	for series, want := range map[string]bool{
		`camd_camera_up{camera="north.yard"} 1`:                                      true,
		`camd_camera_frames_published_total{camera="north.yard",rendition="main"} 7`: true,
		`camd_viewers{camera="north.yard",rendition="main",transport="http1"} 0`:     true,
		`camd_camera_state{camera="yard",state="live"} 1`:                            true,
		`camd_camera_state{camera="north.yard"`:                                      false, // its own camd tells that, and is asked
		`camd_capture_cpu_seconds_total{camera="north.yard"}`:                        false,
	} {
		if strings.Contains(metrics, series) != want {
			t.Errorf("%s there: %v, want %v", series, !want, want)
		}
	}
}

// How many sites there are is nobody's business who sees nothing of them.
func TestSitesOfWhatIsSeen(t *testing.T) {
	yard, shed := newTestCamera("yard"), newTestCamera("shed")
	for _, c := range []*testCamera{yard, shed} {
		c.status.Remote, c.status.Site, c.status.State = true, c.status.ID+"-site", camera.Live
	}
	gate := access.New(gated(t))
	s := open(t, Options{Roster: Roster{Gate: gate}, Link: func() Link { return Link{Connected: true, Sites: 7} }}, yard, shed)
	for _, c := range []struct {
		who  []string
		want string
	}{
		{nil, `"sites":0`},
		{bearer(access.View, "none"), `"sites":0`},
		{bearer(access.View, "yard"), `"sites":1`},
		{bearer(access.View, "all"), `"sites":7`},
	} {
		text := body(t, s.send(t, http.MethodGet, "/readyz", "", c.who...))
		if !strings.Contains(strings.Join(strings.Fields(text), ""), c.want) || strings.Contains(text, "-site") {
			t.Errorf("%v: %s, want %s", c.who, text, c.want)
		}
	}
}

// A relay is ready when it has heard which cameras there are, and stays so.
func TestReadyWithLink(t *testing.T) {
	link := Link{Awaited: true}
	far := newTestCamera("north.yard") // which is its own camd's affair
	far.status.Remote, far.status.State = true, camera.Starting
	s := open(t, Options{Link: func() Link { return link }}, far)
	ask := func(code int, want string) {
		t.Helper()
		resp := s.get(t, "/readyz")
		if text := strings.Join(strings.Fields(body(t, resp)), ""); resp.StatusCode != code || !strings.Contains(text, want) {
			t.Errorf("%d %s, want %d with %s", resp.StatusCode, text, code, want)
		}
	}
	ask(http.StatusServiceUnavailable, `"bus":{"connected":false,"sites":0}`)
	link = Link{Connected: true, Sites: 2}
	ask(http.StatusOK, `"bus":{"connected":true,"sites":2}`)
	link.Connected = false
	ask(http.StatusOK, `"status":"ready"`)
}
