// Package netprobe connects to the server of a network source, and says in plain words why it cannot.
package netprobe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"syscall"

	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
)

// defaultPorts are what is meant where an address names none.
var defaultPorts = map[string]string{"rtsp": "554", "rtsps": "322", "http": "80", "https": "443"}

// Address returns the source's server as host:port.
func Address(src sourceurl.Source) string {
	port := src.URL.Port()
	if port == "" {
		scheme, _, _ := strings.Cut(src.URL.Scheme, "+")
		port = defaultPorts[scheme]
	}
	return net.JoinHostPort(src.URL.Hostname(), port)
}

// Dial connects to the source's server and hangs up.
func Dial(ctx context.Context, src sourceurl.Source) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", Address(src))
	if err != nil {
		return err
	}
	return c.Close()
}

// Certificates returns those that the source's server shows, its own first. They are not verified.
func Certificates(ctx context.Context, src sourceurl.Source) ([]*x509.Certificate, error) {
	//nolint:gosec // the certificates are shown to a person, also those that do not verify
	d := tls.Dialer{Config: &tls.Config{ServerName: src.URL.Hostname(), InsecureSkipVerify: true}}
	c, err := d.DialContext(ctx, "tcp", Address(src))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates, nil
}

// Explain says why a connection to host failed, without the address that err may repeat.
func Explain(host string, err error) (camera.Reason, string) {
	dns, isDNS := errors.AsType[*net.DNSError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case isDNS && dns.IsNotFound:
		return camera.Unreachable, "unknown host " + dns.Name
	case errors.Is(err, syscall.ECONNREFUSED):
		return camera.Unreachable, host + " refuses connections"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return camera.Unreachable, "no route to " + host
	case isNet && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return camera.Timeout, "no answer from " + host
	}
	return camera.Unreachable, "no usable answer from " + host
}
