package httpapi

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestHostsAllowOnlyKnownNames(t *testing.T) {
	known := AllowedHosts{"box", "box.local", "*.example.com"}
	for name, want := range map[string]struct{ local, others bool }{
		"":                   {true, true}, // HTTP/1.0
		"localhost":          {true, true},
		"LOCALHOST.":         {true, true},
		"127.0.0.1":          {true, true},
		"10.0.0.7":           {true, true},
		"::1":                {true, true},
		"fe80::1":            {true, true},
		"box":                {true, true},
		"Box.Local.":         {true, true},
		"a.example.com":      {true, true},
		"a.b.example.com":    {true, true},
		"example.com":        {false, false},
		"notexample.com":     {false, false},
		"camd":               {false, true}, // as containers call each other
		"evil.example":       {false, false},
		"localhost.evil.com": {false, false},
		"127.0.0.1.nip.io":   {false, false},
		"box.local.evil.com": {false, false},
		"2130706433":         {false, true}, // Go does not parse it as an address, and no domain has this name
		"0x7f.1":             {false, false},
		"box.":               {true, true},
	} {
		if got := known.allows(name, true); got != want.local {
			t.Errorf("%q on this machine: %v", name, got)
		}
		if got := known.allows(name, false); got != want.others {
			t.Errorf("%q from another: %v", name, got)
		}
	}
	if !(AllowedHosts{"*"}).allows("evil.example", true) {
		t.Error("* does not allow any name")
	}
	for host, want := range map[string]string{
		"a": "a", "a:80": "a", "[::1]:80": "::1", "[::1]": "::1", "::1": "::1", "[fe80::1%25lo]:80": "fe80::1", ":80": "", "a:b:c": "a:b:c",
	} {
		if got := hostName(host); got != want {
			t.Errorf("%q: got %q, want %q", host, got, want)
		}
	}
}

// requestAs sends a request with a Host header. It does not follow redirects.
func (s *testServer) requestAs(t *testing.T, method, host, path string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// A page whose own name resolves to this server gets nothing, at any address and over any protocol.
func TestUnknownHostIsRefused(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{Config: Config{Hosts: AllowedHosts{"cams.example.com"}}, Log: zap.New(core)}, cam)
	for _, path := range []string{
		"/", "/cameras/a", "/cameras/a/stream.mjpg", "/cameras/a/snapshot.jpg", "/?action=stream", "/stream", "/state", "/api/v1/cameras", "/api/v1/wall",
		"/api/v1/openapi.json", "/metrics", "/readyz", "/assets/dashboard.js", "/nothing",
	} {
		resp := s.requestAs(t, http.MethodGet, "evil.example:8080", path, "Origin", "http://evil.example:8080")
		text := body(t, resp)
		if resp.StatusCode != http.StatusMisdirectedRequest || !strings.Contains(text, "hosts in the configuration") || strings.Contains(text, "Camera a") {
			t.Errorf("%s: %s: %.200s", path, resp.Status, text)
		}
		if resp := s.requestAs(t, http.MethodHead, "CAMS.example.com.:99", path); resp.StatusCode == http.StatusMisdirectedRequest {
			t.Errorf("%s: %s by its own name", path, resp.Status)
		}
	}
	if resp := s.requestAs(t, http.MethodGet, "evil.example", "/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("/healthz: %s", resp.Status)
	}
	if resp := s.requestAs(t, http.MethodPatch, "evil.example", "/api/v1/cameras/a", "Content-Type", "application/json"); resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("PATCH: %s", resp.Status)
	}
	if n := logs.FilterMessage("host refused").Len(); n != 1 {
		t.Errorf("%d lines for one name", n)
	}
	for n := range 2 * maxRefusedHosts {
		s.requestAs(t, http.MethodGet, strings.Repeat("x", n+1)+".evil.example", "/")
	}
	if n := logs.FilterMessage("host refused").Len(); n != maxRefusedHosts {
		t.Errorf("%d lines for many names, want %d", n, maxRefusedHosts)
	}
}

// No page reaches a unix socket.
func TestUnixSocketAllowsAnyHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "camd.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := startServerOn(t, l, Options{}, newTestCamera("a"))
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://whatever.example/api/v1/cameras")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", s.url, resp.Status)
	}
}
