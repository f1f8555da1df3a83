// Package netprobe connects to the servers of network sources, and explains in plain words why a connection failed. Its functions
// are safe for concurrent use.
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

// defaultPorts are the ports of addresses without one, by scheme.
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

// Dial opens a TCP connection to the source's server and closes it.
func Dial(ctx context.Context, src sourceurl.Source) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", Address(src))
	if err != nil {
		return err
	}
	return c.Close()
}

// Certificates returns the certificates that the source's server presents, its own first. It does not verify them.
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

// Explain returns the reason and the detail for a connection to host that failed with err. The detail does not repeat the address in err.
func Explain(host string, err error) (camera.Reason, string) {
	dns, isDNS := errors.AsType[*net.DNSError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case isDNS && dns.IsNotFound:
		return camera.Unreachable, "cannot find the host " + dns.Name + ": check the name and the DNS server"
	case errors.Is(err, syscall.ECONNREFUSED):
		return camera.Unreachable, host + " refused the connection: check the port"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return camera.Unreachable, "no route to " + host + ": check the address and the network"
	case isNet && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return camera.Timeout, "no answer from " + host + ": check its power, its network, and firewalls"
	}
	return camera.Unreachable, "no valid answer from " + host + ": check the scheme and the port"
}
