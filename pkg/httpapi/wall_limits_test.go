package httpapi

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"camd/pkg/access"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/httpapi/wall"
)

// Walls are counted and limited like viewers, with or without cameras.
func TestWallsAreLimited(t *testing.T) {
	for reason, limits := range map[string]Limits{viewers.LimitViewers: {Viewers: 2}, viewers.LimitPerAddress: {PerAddress: 2}} {
		t.Run(reason, func(t *testing.T) {
			c := contractClient{readContract(t), startServer(t, Options{Config: Config{Limits: limits}}, newTestCamera("a"))}
			walls := func() int { return c.server.viewers.Stats().Walls }
			first := c.openWall(t)
			if second := c.openWall(t, "a"); first.StatusCode != http.StatusSwitchingProtocols || second.StatusCode != first.StatusCode || walls() != 2 {
				t.Fatalf("%s, %s, %d walls", first.Status, second.Status, walls())
			}
			third := c.openWall(t)
			if third.StatusCode != http.StatusServiceUnavailable || third.Header.Get("Retry-After") == "" || c.server.viewers.Stats().Refused[reason] != 1 {
				t.Errorf("%s, refused %v", third.Status, c.server.viewers.Stats().Refused)
			}
			// A page cannot read that answer, and sends a request without a WebSocket. It counts neither as refused nor as a wall.
			plain := c.server.get(t, "/api/v1/wall")
			if text := body(t, plain); plain.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "the limit of 2 open dashboards") {
				t.Errorf("without a WebSocket: %s, %s", plain.Status, text)
			}
			if n := c.server.viewers.Stats(); n.Refused[reason] != 1 || n.Walls != 2 {
				t.Errorf("without a WebSocket: refused %v, %d walls", n.Refused, n.Walls)
			}
			_ = first.Body.Close()
			eventually(t, "one has left", func() bool { return walls() == 1 })
			if again := c.openWall(t); again.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("with room: %s", again.Status)
			}
			if text := body(t, c.server.get(t, "/metrics")); !strings.Contains(text, "\ncamd_viewer_walls 2\n") {
				t.Error("the metrics do not count it")
			}
		})
	}
}

// Behind a proxy, each client has its own address and its own limit of walls.
func TestWallsBehindProxyAreLimitedPerClient(t *testing.T) {
	s := startServer(t, Options{Config: Config{Auth: access.New(proxyOptions()), Limits: Limits{PerAddress: 1}}}, newTestCamera("a"))
	dialWall(t, s, "", "X-Forwarded-For", "192.0.2.1")
	dialWall(t, s, "", "X-Forwarded-For", "192.0.2.2")
	if _, resp, err := websocket.Dial(t.Context(), s.url+"/api/v1/wall", &websocket.DialOptions{HTTPHeader: http.Header{"X-Forwarded-For": {"192.0.2.1"}}}); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a second wall of one address: %v", err)
	}
}

// proxyOptions gives clients behind a proxy on this machine the role view.
func proxyOptions() access.Options {
	return access.Options{
		Anonymous: access.Permission{Role: access.View}, Proxies: access.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
	}
}

func TestWallQueryIsLimited(t *testing.T) {
	c := contractClient{readContract(t), startServer(t, Options{}, newTestCamera("a"))}
	ids := make([]string, 256)
	for i := range ids {
		ids[i] = fmt.Sprint(strings.Repeat("x", 60), i)
	}
	for name, tt := range map[string]struct {
		cameras []string
		code    int
	}{
		"at the limit":      {append(ids, ids[0], "", ids[255]), http.StatusSwitchingProtocols},
		"one too many":      {append(ids, "a"), http.StatusBadRequest},
		"a long address":    {[]string{strings.Repeat("y", wall.MaxQueryBytes)}, http.StatusBadRequest},
		"the same for ever": {strings.Split(strings.Repeat("a,", wall.MaxQueryBytes), ","), http.StatusBadRequest},
	} {
		if resp := c.openWall(t, tt.cameras...); resp.StatusCode != tt.code {
			t.Errorf("%s: %s, want %d", name, resp.Status, tt.code)
		}
	}
}
