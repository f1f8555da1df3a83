package serverrules

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
)

// Rules say which servers a network source may use: its own, and the configured hosts to which an HTTP source may lead. Their methods are
// safe for concurrent use.
type Rules struct {
	Source sourceurl.Source
	TLS    tlsverify.Options

	redirectHosts []string
	verifier      *tlsverify.Verifier
}

// New returns the rules of a source. redirectHosts are other hosts to which redirects and playlists may lead. The error is an *Error with
// the reason Certificate.
func New(src sourceurl.Source, options tlsverify.Options, redirectHosts []string) (*Rules, error) {
	verifier, err := tlsverify.New(options)
	if err != nil {
		return nil, NewError(camera.Certificate, "%v", err)
	}
	return &Rules{Source: src, TLS: options, redirectHosts: redirectHosts, verifier: verifier}, nil
}

// MustVerify reports whether the source's own server must show a certificate that verifies.
func (r *Rules) MustVerify() bool { return r.Source.IsTLS() && !r.TLS.SkipVerify }

// Allows reports whether a host is the source's, or one that it may redirect to.
func (r *Rules) Allows(host string) bool {
	same := func(other string) bool {
		return strings.EqualFold(strings.TrimSuffix(host, "."), strings.TrimSuffix(other, "."))
	}
	return same(r.Source.URL.Hostname()) || slices.ContainsFunc(r.redirectHosts, same)
}

// HostError returns the Error for a host that is not allowed.
func (r *Rules) HostError(host string) *Error {
	if r.Source.Kind == sourceurl.RTSP { // FFmpeg would send the password there
		return NewError(camera.Redirect, "the camera redirects to the host %q: set source to its address if you trust it", Shorten(host))
	}
	return NewError(camera.Redirect, "the camera redirects to the host %q: add it to redirect_hosts if you trust it", Shorten(host))
}

// maxRedirects is how many redirects are followed in a row.
const maxRedirects = 8

// CheckRedirect is the CheckRedirect of an http.Client. It returns an *Error if the redirect is not allowed.
func (r *Rules) CheckRedirect(next *http.Request, via []*http.Request) error {
	from, to := via[len(via)-1].URL, next.URL
	switch {
	case len(via) > maxRedirects:
		return NewError(camera.Redirect, "the camera redirects more than %d times: check source", maxRedirects)
	case to.Scheme != "http" && to.Scheme != "https":
		return NewError(camera.Redirect, "the camera redirects to a %q address: camd follows only http:// and https://", Shorten(to.Scheme))
	case from.Scheme == "https" && to.Scheme != "https":
		return NewError(camera.Redirect, "the camera redirects from https:// to http://: set source to the http:// address if you accept that")
	case !r.Allows(to.Hostname()):
		return r.HostError(to.Hostname())
	}
	next.Header.Del("Referer") // it would carry the query to another server
	return nil
}

// VerifyDER checks the certificates in DER form that the server of a host presented, its own first. The error is a *tlsverify.Error.
func (r *Rules) VerifyDER(host string, chain [][]byte) error {
	return r.verifier.VerifyDER(host, chain)
}

// Dial connects to the source's server, and verifies its certificate if the source uses TLS.
func (r *Rules) Dial(ctx context.Context) (net.Conn, error) {
	if !r.Source.IsTLS() {
		return (&net.Dialer{}).DialContext(ctx, "tcp", netprobe.Address(r.Source))
	}
	return r.DialTLS(ctx, "tcp", netprobe.Address(r.Source))
}

// DialTLS connects to a server and verifies its certificate.
func (r *Rules) DialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{Config: r.verifier.Config(host)}).DialContext(ctx, network, address)
}

// Shorten bounds the length of a text that a camera sent, for messages.
func Shorten(s string) string {
	const maxLen = 100
	if len(s) > maxLen {
		return s[:maxLen] + "…"
	}
	return s
}
