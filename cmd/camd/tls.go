package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"

	"camd/pkg/certificate"
	"camd/pkg/config"
)

// scheme is what addresses of a camd begin with.
func scheme(cfg *config.Config) string {
	if cfg.TLS == nil {
		return "http"
	}
	return "https"
}

// newClient returns a client that speaks to the camd of that configuration and to no other.
func newClient(cfg *config.Config) (*http.Client, error) {
	transport := transportFor(cfg.Listen)
	if cfg.TLS != nil {
		c, err := cfg.TLS.CertificateFiles(stateDir(cfg)).Load()
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		transport.TLSClientConfig = certificate.Client(c)
	}
	return &http.Client{Transport: transport}, nil
}

// selfTransport returns a transport from this process to its own address. The certificate there is not looked at: the question is whether
// anybody answers, and it carries no secret. To those who ask for one it shows that same.
func selfTransport(listen string, store *certificate.Store) *http.Transport {
	transport := transportFor(listen)
	transport.TLSClientConfig = &tls.Config{
		InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return cmp.Or(store.Certificate(), &tls.Certificate{}), nil
		},
	}
	return transport
}

// transportFor returns a transport for an address as the configuration has it.
func transportFor(listen string) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // none leads here
	if path, ok := config.SocketPath(listen); ok {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	return transport
}

// configAddress writes an address as the configuration has it.
func configAddress(a net.Addr) string {
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return a.String()
}
