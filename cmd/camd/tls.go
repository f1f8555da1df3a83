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

// acquainted returns a client that speaks to the camd of that configuration and to no other.
func acquainted(cfg *config.Config) (*http.Client, error) {
	way := approach(cfg.Listen)
	if cfg.TLS != nil {
		c, err := cfg.TLS.At(stateDir(cfg)).Load()
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		way.TLSClientConfig = certificate.Client(c)
	}
	return &http.Client{Transport: way}, nil
}

// homeward returns the way from this process to its own address. The certificate there is not looked at: the question is whether
// anybody answers, and it carries no secret. To those who ask for one it shows that same.
func homeward(listen string, shown *certificate.Shown) *http.Transport {
	way := approach(listen)
	way.TLSClientConfig = &tls.Config{
		InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return cmp.Or(shown.Now(), &tls.Certificate{}), nil
		},
	}
	return way
}

// approach returns the way to an address as the configuration has it.
func approach(listen string) *http.Transport {
	way := http.DefaultTransport.(*http.Transport).Clone()
	way.Proxy = nil // none leads here
	if path, ok := config.SocketPath(listen); ok {
		way.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	return way
}

// asConfigured writes an address as the configuration has it.
func asConfigured(a net.Addr) string {
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return a.String()
}
