// Package healthclient asks a camd on the same machine whether it is healthy.
package healthclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"camd/pkg/certificate"
	"camd/pkg/config"
)

// New returns a client for the camd that listens at an address in the form of the configuration. With a certificate it accepts only a
// server that presents it; nil means plain HTTP.
func New(listen string, c *tls.Certificate) *http.Client {
	transport := transportFor(listen)
	if c != nil {
		transport.TLSClientConfig = certificate.Client(c)
	}
	return &http.Client{Transport: transport}
}

// SelfTransport returns a transport from this process to its own address. It does not check the server's certificate, because requests
// carry no secret and only test whether the server answers. If the server requests a client certificate, the transport presents the
// server's own certificate, if there is one.
func SelfTransport(listen string, certificate func() *tls.Certificate) *http.Transport {
	transport := transportFor(listen)
	transport.TLSClientConfig = &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // the address is this camd, and the request carries no secret
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return cmp.Or(certificate(), &tls.Certificate{}), nil
		},
	}
	return transport
}

// transportFor returns a transport for an address in the form of the configuration.
func transportFor(listen string) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // a proxy does not lead to this machine
	if path, ok := config.SocketPath(listen); ok {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	return transport
}

// HealthURL returns the health URL, for clients on this machine, of a camd that listens at an address. scheme is http or https.
func HealthURL(scheme, listen string) string {
	addr := listen
	if _, ok := config.SocketPath(addr); ok {
		addr = "localhost" // any name will do
	}
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
		if ip.To4() == nil && ip != nil {
			host = "::1" // the socket may accept only IPv6
		}
		addr = net.JoinHostPort(host, port)
	}
	u := url.URL{Scheme: scheme, Host: addr, Path: "/healthz"} // escapes an IPv6 zone
	return u.String()
}

// CheckHealth returns nil if a camd answers at the URL that it is healthy.
func CheckHealth(ctx context.Context, client *http.Client, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("the URL must look like http://127.0.0.1:8080/healthz")
	}
	resp, err := client.Do(req)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL, which may contain a password
	}
	if err != nil {
		return fmt.Errorf("no camd answers at %s: %w", req.URL.Host, err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers with status %d", req.URL.Host, resp.StatusCode)
	}
	return nil
}
