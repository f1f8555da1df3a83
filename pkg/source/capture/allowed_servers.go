package capture

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strings"

	"camd/pkg/camera"
	"camd/pkg/source/netprobe"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
	"camd/pkg/source/wire"
)

// serverRules say which servers a network source may use: its own, and the configured hosts to which an HTTP source may lead.
type serverRules struct {
	source        sourceurl.Source
	redirectHosts []string
	tls           tlsverify.Options
	verifier      *tlsverify.Verifier
}

func newServerRules(src sourceurl.Source, start wire.Start) (*serverRules, error) {
	r := &serverRules{source: src, redirectHosts: start.RedirectHosts, tls: start.TLS}
	var err error
	if r.verifier, err = tlsverify.New(r.tls); err != nil {
		return nil, newFailure(camera.Certificate, "%v", err)
	}
	return r, nil
}

// mustVerify reports whether the source's own server must show a certificate that verifies.
func (s *serverRules) mustVerify() bool { return s.source.IsTLS() && !s.tls.SkipVerify }

// allows reports whether a host is the source's, or one that it may redirect to.
func (s *serverRules) allows(host string) bool {
	same := func(other string) bool {
		return strings.EqualFold(strings.TrimSuffix(host, "."), strings.TrimSuffix(other, "."))
	}
	return same(s.source.URL.Hostname()) || slices.ContainsFunc(s.redirectHosts, same)
}

// hostFailure returns the failure for a host that is not allowed.
func (s *serverRules) hostFailure(host string) *failure {
	if s.source.Kind == sourceurl.RTSP { // FFmpeg would send the password there
		return newFailure(camera.Redirect, "the camera redirects to the host %q: set source to its address if you trust it", shorten(host))
	}
	return newFailure(camera.Redirect, "the camera redirects to the host %q: add it to redirect_hosts if you trust it", shorten(host))
}

// maxRedirects is how many redirects are followed in a row.
const maxRedirects = 8

// checkRedirect is the CheckRedirect of an http.Client. It returns an error if the redirect is not allowed.
func (s *serverRules) checkRedirect(next *http.Request, via []*http.Request) error {
	from, to := via[len(via)-1].URL, next.URL
	switch {
	case len(via) > maxRedirects:
		return newFailure(camera.Redirect, "the camera redirects more than %d times: check source", maxRedirects)
	case to.Scheme != "http" && to.Scheme != "https":
		return newFailure(camera.Redirect, "the camera redirects to a %q address: camd follows only http:// and https://", shorten(to.Scheme))
	case from.Scheme == "https" && to.Scheme != "https":
		return newFailure(camera.Redirect, "the camera redirects from https:// to http://: set source to the http:// address if you accept that")
	case !s.allows(to.Hostname()):
		return s.hostFailure(to.Hostname())
	}
	next.Header.Del("Referer") // it would carry the query to another server
	return nil
}

// protocols returns the protocols of FFmpeg that the source may use, also in a playlist or after a redirect. With nil rules,
// which are for files, it returns the protocols that read files.
func (s *serverRules) protocols() []string {
	if s == nil {
		return []string{"file", "crypto", "data"}
	}
	var all []string
	switch scheme := s.source.URL.Scheme; {
	case scheme == "rtsps", scheme == "https":
		all = []string{"tcp", "tls"}
	case s.source.Kind == sourceurl.RTSP:
		all = []string{"tcp", "udp", "rtp"}
	default:
		all = []string{"http", "tcp"}
	}
	if s.source.Kind != sourceurl.RTSP {
		all = append(all, "crypto", "data")
	}
	if canVerify() || s.tls.SkipVerify {
		all = append(all, "tls", "https")
	}
	return all
}

// dial connects to the source's server.
func (s *serverRules) dial(ctx context.Context) (net.Conn, error) {
	if !s.source.IsTLS() {
		return (&net.Dialer{}).DialContext(ctx, "tcp", netprobe.Address(s.source))
	}
	return s.dialTLS(ctx, "tcp", netprobe.Address(s.source))
}

// dialTLS connects to a server and verifies its certificate.
func (s *serverRules) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{Config: s.verifier.Config(host)}).DialContext(ctx, network, address)
}

// shorten bounds the length of a text that a camera sent, for messages.
func shorten(s string) string {
	const maxLen = 100
	if len(s) > maxLen {
		return s[:maxLen] + "…"
	}
	return s
}
