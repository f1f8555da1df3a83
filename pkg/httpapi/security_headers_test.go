package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"camd/pkg/access"
)

// A page of this host at another port shows pictures, as OctoPrint does.
func TestPagesOfThisHostMayShowPictures(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{}, cam)
	for referer, want := range map[string]string{
		"": "same-site", "http://127.0.0.1:5000/": "cross-origin", "http://127.0.0.2:5000/": "same-site", "http://127.0.0.1.evil.example/": "same-site",
		"http://evil.example/?127.0.0.1": "same-site", "http://127.0.0.1@evil.example/": "same-site", "about:blank": "same-site", "http://%": "same-site",
	} {
		resp := s.send(t, http.MethodGet, "/cameras/a/snapshot.jpg", "", "Referer", referer)
		if got := resp.Header.Get("Cross-Origin-Resource-Policy"); got != want {
			t.Errorf("%q: got %s, want %s", referer, got, want)
		}
		body(t, resp)
	}
}

func TestAllowOriginDecidesWhoMayRead(t *testing.T) {
	const one, two = "http://mainsail.local", "https://b.example"
	for _, c := range []struct {
		allowed      []string
		origin, want string // the origin of the request, and the origin in the answer
		resource     string
	}{
		{nil, "", "", "same-site"},
		{nil, one, "", "same-site"},
		{[]string{"*"}, "", "*", "cross-origin"},
		{[]string{"*"}, one, "*", "cross-origin"},
		{[]string{one, two}, "", "", "cross-origin"},
		{[]string{one, two}, one, one, "cross-origin"},
		{[]string{one, two}, two, two, "cross-origin"},
		{[]string{one, two}, "null", "", "cross-origin"},
		{[]string{one}, two, "", "cross-origin"},
		{[]string{one}, one + ":8080", "", "cross-origin"},
	} {
		cam := newTestCamera("a")
		cam.publish(1)
		s := startServer(t, Options{Config: Config{AllowOrigin: c.allowed}}, cam)
		for path, pictures := range map[string]bool{
			"/?action=stream": true, "/?action=snapshot": true, "/stream": true, "/snapshot": true, "/state": true,
			"/cameras/a/stream.mjpg": true, "/cameras/a/snapshot.jpg": true, "/cameras/none/snapshot.jpg": true,
			"/": false, "/api/v1/cameras": false, "/api/v1/viewers": false, "/metrics": false, "/assets/dashboard.js": false,
		} {
			want, resource := "", "same-origin"
			if pictures {
				want, resource = c.want, c.resource
			}
			var header []string
			if c.origin != "" {
				header = []string{"Origin", c.origin}
			}
			resp := s.get(t, path, header...)
			h := resp.Header
			if got := h.Get("Access-Control-Allow-Origin"); got != want || h.Get("Cross-Origin-Resource-Policy") != resource || h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%q for %q: %s has %v", c.allowed, c.origin, path, h)
			}
			if varies := h.Get("Vary") == "Origin"; varies != (pictures && len(c.allowed) > 0 && c.allowed[0] != "*") {
				t.Errorf("%q for %q: %s: Vary is %q", c.allowed, c.origin, path, h.Get("Vary"))
			}
			_ = resp.Body.Close()
		}
	}
}

func TestFrameAncestorsAreInThePolicy(t *testing.T) {
	for _, c := range []struct {
		ancestors []string
		want      string
	}{
		{nil, "'self'"},
		{[]string{"self"}, "'self'"},
		{[]string{"none"}, "'none'"},
		{[]string{"https://a.example", "self", "http://b.example:81"}, "'self' https://a.example http://b.example:81"},
	} {
		s := startServer(t, Options{Config: Config{FrameAncestors: c.ancestors}}, newTestCamera("a"))
		for _, page := range []string{"/", "/cameras/a"} {
			h := s.get(t, page).Header
			if policy := h.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-ancestors "+c.want) || h.Get("Cross-Origin-Opener-Policy") != "same-origin" {
				t.Errorf("%s of %q: %v", page, c.ancestors, h)
			}
		}
	}
}

// Requests of other origins that change something are refused, whatever headers the browser sends with them.
func TestCrossSiteRequestsChangeNothing(t *testing.T) {
	s := startServer(t, Options{Config: Config{OwnOrigin: "https://cams.example.com"}}, newTestCamera("a"))
	for _, c := range []struct {
		header string // "Name: value, Name: value"
		ok     bool
	}{
		{"", true}, // curl
		{"Sec-Fetch-Site: same-origin", true},
		{"Sec-Fetch-Site: none", true},
		{"Origin: " + s.url, true},
		{"Origin: https://cams.example.com, Sec-Fetch-Site: cross-site", true}, // a proxy that changes Host
		{"Sec-Fetch-Site: cross-site", false},
		{"Sec-Fetch-Site: same-site", false},
		{"Origin: http://evil.example", false},
		{"Origin: null", false},
		{"Origin: http://cams.example.com", false},
		{"Origin: " + s.url + ", Sec-Fetch-Site: cross-site", false},
	} {
		header := []string{"Content-Type", "application/json"}
		for piece := range strings.SplitSeq(c.header, ", ") {
			if name, value, ok := strings.Cut(piece, ": "); ok {
				header = append(header, name, value)
			}
		}
		for _, method := range []string{http.MethodPatch, http.MethodPost, http.MethodPut, http.MethodDelete} {
			resp := s.request(t, method, "/api/v1/cameras/a", header...)
			if refused := resp.StatusCode == http.StatusForbidden; refused == c.ok {
				t.Errorf("%s with %s: %s", method, c.header, resp.Status)
			}
		}
		if resp := s.get(t, "/api/v1/cameras/a", header...); resp.StatusCode != http.StatusOK {
			t.Errorf("reading with %s: %s", c.header, resp.Status)
		}
	}
}

func TestWallRefusesForeignOrigins(t *testing.T) {
	s := startServer(t, Options{Config: Config{OwnOrigin: "https://cams.example.com"}}, newTestCamera("a"))
	for origin, ok := range map[string]bool{
		"": true, s.url: true, "https://cams.example.com": true, "http://cams.example.com": false, "http://evil.example": false, "null": false,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		conn, resp, err := websocket.Dial(t.Context(), s.url+"/api/v1/wall", &websocket.DialOptions{HTTPHeader: header})
		if (err == nil) != ok || !ok && resp.StatusCode != http.StatusForbidden {
			t.Errorf("%q: %v", origin, err)
		}
		if err == nil {
			_ = conn.CloseNow()
		}
	}
}

// Over TLS, a page of the same host that was loaded without encryption gets no wall: somebody on the network may have changed it.
func TestWallRefusesUnencryptedOriginsOverTLS(t *testing.T) {
	s := startServer(t, Options{Config: Config{Auth: access.New(proxyOptions())}}, newTestCamera("a"))
	host := strings.TrimPrefix(s.url, "http://")
	for origin, ok := range map[string]bool{"https://" + host: true, "http://" + host: false, "HTTP://" + host: false} {
		conn, _, err := websocket.Dial(t.Context(), s.url+"/api/v1/wall", &websocket.DialOptions{
			HTTPHeader: http.Header{"Origin": {origin}, "X-Forwarded-Proto": {"https"}},
		})
		if (err == nil) != ok {
			t.Errorf("%s: %v", origin, err)
		}
		if err == nil {
			_ = conn.CloseNow()
		}
	}
}
