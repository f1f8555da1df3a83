package access

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"testing"

	"camd/internal/clientprefix"
)

func TestClientTrustsOnlyProxies(t *testing.T) {
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("192.0.2.1/32")}
	unix := func(r *http.Request) {
		r.RemoteAddr = "@"
		*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.UnixAddr{Name: "/run/camd.sock", Net: "unix"}))
	}
	for _, c := range []struct {
		name    string
		proxies Proxies
		set     []func(*http.Request)
		client  string
		secure  bool
	}{
		{"straight", Proxies{}, nil, "192.0.2.7", false},
		{"straight by TLS", Proxies{}, []func(*http.Request){func(r *http.Request) { r.TLS = &tls.ConnectionState{} }}, "192.0.2.7", true},
		{"stranger who says much", Proxies{Networks: networks}, []func(*http.Request){withHeader("X-Forwarded-For", "203.0.113.5"), withHeader("X-Forwarded-Proto", "https")}, "192.0.2.7", false},
		{"nobody is trusted", Proxies{}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-For", "203.0.113.5")}, "10.0.0.1", false},
		{"proxy", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-For", "203.0.113.5"), withHeader("X-Forwarded-Proto", "HTTPS")}, "203.0.113.5", true},
		{"proxy that says nothing", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1")}, "10.0.0.1", false},
		{"two proxies", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-For", "1.1.1.1, 203.0.113.5 ,10.2.3.4")}, "203.0.113.5", false},
		{"two lines", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-For", "1.1.1.1"), withHeader("X-Forwarded-For", "203.0.113.5")}, "203.0.113.5", false},
		{"client that pretends", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-For", "127.0.0.1, 10.9.9.9, 203.0.113.5")}, "203.0.113.5", false},
		{"nonsense behind a proxy", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-For", "1.1.1.1, unknown")}, "10.0.0.1", false},
		{"nonsense before a proxy", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-For", "<x>, 10.2.2.2")}, "10.2.2.2", false},
		{"proxies alone", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-For", "10.2.2.2")}, "10.2.2.2", false},
		{"ports", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-For", "203.0.113.5:4711")}, "203.0.113.5", false},
		{"IPv6", Proxies{Networks: networks}, []func(*http.Request){fromAddress("[fd00::1]:1"), withHeader("X-Forwarded-For", "2001:db8::1")}, "2001:db8::1", false},
		{"IPv6 in brackets", Proxies{Networks: networks}, []func(*http.Request){fromAddress("[fd00::1]:1"), withHeader("X-Forwarded-For", "[2001:db8::1]:80")}, "2001:db8::1", false},
		{"IPv4 in IPv6", Proxies{Networks: networks}, []func(*http.Request){fromAddress("[::ffff:10.0.0.1]:1"), withHeader("X-Forwarded-For", "::ffff:203.0.113.5")}, "203.0.113.5", false},
		{"IPv4 in IPv6, with a port", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-For", "[::ffff:203.0.113.5]:80")}, "203.0.113.5", false},
		{"zone", Proxies{}, []func(*http.Request){fromAddress("[fe80::1%eth0]:1")}, "fe80::1", false},
		{"http at the outer proxy", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-Proto", "https, http")}, "10.0.0.1", false},
		{"TLS to the proxy, none to its client", Proxies{Networks: networks}, []func(*http.Request){fromAddress("10.0.0.1:1"), withHeader("X-Forwarded-Proto", "http"), func(r *http.Request) { r.TLS = &tls.ConnectionState{} }}, "10.0.0.1", false},
		{"unix socket", Proxies{}, []func(*http.Request){unix, withHeader("X-Forwarded-For", "203.0.113.5")}, "unix", false},
		{"proxy on a unix socket", Proxies{Unix: true}, []func(*http.Request){unix, withHeader("X-Forwarded-For", "203.0.113.5"), withHeader("X-Forwarded-Proto", "https")}, "203.0.113.5", true},
		{"no address and no unix socket", Proxies{Unix: true}, []func(*http.Request){fromAddress("pipe"), withHeader("X-Forwarded-For", "203.0.113.5")}, "unix", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := New(Options{Proxies: c.proxies}).Client(request(c.set...))
			if got.String() != c.client || got.Secure != c.secure {
				t.Errorf("got %v, secure %v, want %v, %v", got, got.Secure, c.client, c.secure)
			}
		})
	}
}

func FuzzClientForwardedFor(f *testing.F) {
	g := New(Options{Proxies: Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}})
	f.Add("10.0.0.1:1", "1.1.1.1, 10.2.2.2")
	f.Add("192.0.2.1:1", "10.0.0.1")
	f.Add("[::1]:1", ",,[::1%x]:9,")
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		got := g.Client(request(fromAddress(remote), withHeader("X-Forwarded-For", forwarded)))
		if peer := (Client{Addr: peerAddr(request(fromAddress(remote)))}); !g.options.Proxies.contains(peer.Addr) && got != peer {
			t.Errorf("%s: got address %v", remote, got)
		}
		if got.Addr.IsValid() && (got.Addr.Zone() != "" || got.Addr.Is4In6()) {
			t.Errorf("two forms of an address differ: %v", got)
		}
		if clientprefix.Of(got.Addr).IsValid() != got.Addr.IsValid() {
			t.Errorf("no prefix of %v", got)
		}
	})
}
