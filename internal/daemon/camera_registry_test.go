package daemon

import (
	"net/http/httptest"
	"strings"
	"testing"

	"camd/pkg/access"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/source"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// A relay without a connection to a server reports that in its status line, is not ready, and lists no cameras.
func TestRelayWithoutServersIsNotReady(t *testing.T) {
	cfg := config.Default()
	cfg.Bus = &config.Bus{Servers: []string{"nats://127.0.0.1:1"}, Prefix: "camd"}
	c, err := newCameraRegistry(cfg, nil, nil, nil, httpapi.Options{Metrics: newMetricsRegistry("", "")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.statusLine(), "0 of 0 cameras live, 0 viewers, bus not connected"; !strings.HasPrefix(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	answer := httptest.NewRecorder()
	c.server.ServeHTTP(answer, httptest.NewRequest("GET", "http://localhost/readyz", nil))
	if answer.Code != 503 || !strings.Contains(answer.Body.String(), `"starting"`) {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

// A change of the bus takes effect only at a restart. More cameras at a site that already offers some need no restart.
func TestBusSettingsNeedRestart(t *testing.T) {
	relay := func() *config.Config {
		cfg := config.Default()
		cfg.Bus = &config.Bus{Servers: []string{"nats://h"}, Prefix: "camd"}
		return cfg
	}
	site := func(cameras ...string) *config.Config {
		cfg := relay()
		cfg.Site = "north"
		for _, id := range cameras {
			cfg.Cameras = append(cfg.Cameras, options.Camera{ID: id})
		}
		return cfg
	}
	other := relay()
	other.Bus.Prefix = "other"
	for _, c := range []struct {
		name       string
		first, now *config.Config
		want       bool
	}{
		{"nothing changes", relay(), relay(), false},
		{"another prefix", relay(), other, true},
		{"the bus goes", relay(), config.Default(), true},
		{"the bus comes", config.Default(), relay(), true},
		{"a relay gets cameras", relay(), site("a"), true},
		{"a site gets another camera", site("a"), site("a", "b"), false},
	} {
		if got := len(keysNeedingRestart(c.first, c.now)) > 0; got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// While cameras change, a client sees a camera only if both the old and the new access rules allow it.
func TestRestrictShowsWhatBothConfigurationsShow(t *testing.T) {
	cfg := config.Default()
	var cameras []*source.Camera
	for _, id := range []string{"old", "both", "new"} {
		src, err := sourceurl.Parse("test://")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Cameras = append(cfg.Cameras, config.DefaultCamera(id, src))
		cameras = append(cameras, source.New(source.Options{Camera: options.Camera{ID: id, Source: src}}))
	}
	showing := func(ids ...string) *access.Authenticator {
		return access.New(access.Options{Anonymous: access.Permission{Role: access.View, Cameras: ids}})
	}
	c, err := newCameraRegistry(cfg, nil, cameras, showing("old", "both"), httpapi.Options{Metrics: newMetricsRegistry("", "")})
	if err != nil {
		t.Fatal(err)
	}
	visible := func() string {
		var ids []string
		for _, id := range []string{"old", "both", "new"} {
			answer := httptest.NewRecorder()
			c.server.ServeHTTP(answer, httptest.NewRequest("GET", "http://localhost/api/v1/cameras/"+id, nil))
			if answer.Code == 200 {
				ids = append(ids, id)
			}
		}
		return strings.Join(ids, " ")
	}
	next := showing("both", "new")
	before := visible()
	c.restrict(next)
	during := visible()
	c.setCameras(cfg, cameras, next)
	if after := visible(); before != "old both" || during != "both" || after != "both new" {
		t.Errorf("seen: %q, then %q, then %q", before, during, after)
	}
}
