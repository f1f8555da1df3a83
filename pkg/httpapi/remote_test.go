package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"camd/pkg/access"
	"camd/pkg/camera"
)

// A camera of another site is served like any other, with an id of its site and its own. Requests that need its own camd are refused.
func TestRemoteCameraIsServedReadOnly(t *testing.T) {
	remote := newTestCamera("north.yard")
	remote.status.Site, remote.status.Remote = "north", true
	s := startServer(t, Options{}, newTestCamera("yard"), remote)
	remote.publish(1)
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
	if resp, says := s.patchCamera(t, "north.yard", `{"paused": true}`); resp.StatusCode != http.StatusNotFound || !strings.Contains(says, "cannot be turned off") {
		t.Errorf("pause: %d %s", resp.StatusCode, says)
	}
	if resp := s.get(t, "/api/v1/cameras/north.yard/controls"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("controls: %d", resp.StatusCode)
	}
	has := func(series string, want bool) {
		t.Helper()
		if strings.Contains(body(t, s.get(t, "/metrics")), series) != want {
			t.Errorf("%s there: %v, want %v", series, !want, want)
		}
	}
	watched := []string{
		`camd_viewers{camera="north.yard",rendition="main",transport="http1"}`,
		`camd_viewer_frames_sent_total{camera="north.yard",rendition="main",transport="http1"}`,
	}
	for _, series := range watched {
		has(series, false)
	}
	s.watch(t, "/cameras/north.yard/stream.mjpg")
	for _, series := range watched {
		has(series, true)
	}
	if got := s.WatchedRemoteStreams(); len(got) != 1 || !slices.Equal(got["north.yard"], []string{camera.Main}) {
		t.Errorf("watched streams %v", got)
	}
	s.SetConfig(Config{})
	for _, series := range watched {
		has(series, false)
	}
}

// The number of series of a relay is bounded, even if it knows many cameras and many of them are watched.
func TestRemoteStreamsWithSeriesAreBounded(t *testing.T) {
	var cameras []Camera
	for i := range maxRemoteStreams + 10 {
		c := newTestCamera(fmt.Sprint("north.c", i))
		c.status.Remote = true
		cameras = append(cameras, c)
	}
	s := startServer(t, untimedOptions(), cameras...)
	few := strings.Count(body(t, s.get(t, "/metrics")), "\n")
	for _, c := range cameras {
		topic, _ := c.Topic(camera.Main)
		s.remotes.add(remoteStream{c.Status().ID, camera.Main}, topic)
		frameAges{s.Server}.Observer(topic).Observe(1)
	}
	text := body(t, s.get(t, "/metrics"))
	if want := fmt.Sprintf("camd_remote_streams_without_series %d\n", 10); !strings.Contains(text, want) {
		t.Errorf("no %s", want)
	}
	if got, most := strings.Count(text, "\n")-few, 50*maxRemoteStreams; got > most {
		t.Errorf("%d series, want at most %d", got, most)
	}
	s.SetConfig(Config{})
	if n := s.remotes.countExcluded() + len(s.remotes.renditionsByCamera()); n != 0 {
		t.Errorf("%d streams are left", n)
	}
}

// A camera of another site has a history from the first request for it or the first viewer. Without both for a long time it has none.
func TestHistoryOfRemoteCameraBeginsWhenAskedFor(t *testing.T) {
	remote := newTestCamera("north.yard")
	remote.status.Remote = true
	s := New(Options{Config: newConfig(Limits{}, remote)})
	kept := func() bool {
		s.history.mu.Lock()
		defer s.history.mu.Unlock()
		return s.history.rows["north.yard"] != nil
	}
	s.sample(time.Now())
	if kept() {
		t.Error("samples are kept of a camera that nobody has asked for")
	}
	s.history.samplesOf("north.yard")
	s.sample(time.Now())
	if n := len(s.history.samplesOf("north.yard")); n != 1 {
		t.Errorf("%d samples, want 1", n)
	}
	for range maxSamples + 1 {
		s.sample(time.Now())
	}
	if kept() {
		t.Error("samples are kept of a camera that nobody has asked for lately")
	}
}

// A requester who sees no camera of other sites does not learn how many sites there are.
func TestReadyzCountsOnlyVisibleSites(t *testing.T) {
	yard, shed := newTestCamera("yard"), newTestCamera("shed")
	for _, c := range []*testCamera{yard, shed} {
		c.status.Remote, c.status.Site, c.status.State = true, c.status.ID+"-site", camera.Live
	}
	auth := access.New(authOptions(t))
	s := startServer(t, Options{Config: Config{Auth: auth}, BusState: func() BusState { return BusState{Connected: true, Sites: 7} }}, yard, shed)
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

// A relay is ready when the first announcement of cameras has arrived, and stays ready.
func TestRelayIsReadyAfterFirstAnnouncement(t *testing.T) {
	bus := BusState{AwaitingCameras: true}
	remote := newTestCamera("north.yard") // this does not matter, because the camera has its own camd
	remote.status.Remote, remote.status.State = true, camera.Starting
	s := startServer(t, Options{BusState: func() BusState { return bus }}, remote)
	ask := func(code int, want string) {
		t.Helper()
		resp := s.get(t, "/readyz")
		if text := strings.Join(strings.Fields(body(t, resp)), ""); resp.StatusCode != code || !strings.Contains(text, want) {
			t.Errorf("%d %s, want %d with %s", resp.StatusCode, text, code, want)
		}
	}
	ask(http.StatusServiceUnavailable, `"bus":{"connected":false,"sites":0}`)
	bus = BusState{Connected: true, Sites: 2}
	ask(http.StatusOK, `"bus":{"connected":true,"sites":2}`)
	bus.Connected = false
	ask(http.StatusOK, `"status":"ready"`)
}
