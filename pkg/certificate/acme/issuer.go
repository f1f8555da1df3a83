// Package acme obtains certificates for this server's domains from an ACME authority, such as Let's Encrypt, and keeps them in a
// directory.
//
// The authority checks that the domains lead to this server. It does so over TLS, which [Issuer.Certificate] answers (tls-alpn-01),
// or over plain HTTP, which [Issuer.Challenges] answers (http-01). Only [Issuer.Renew] sends requests to the authority. So handshakes
// of clients never wait for it, and cannot use up its rate limits.
package acme

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ALPNProtocol is the ALPN protocol of the authority's connections for tls-alpn-01.
const ALPNProtocol = acme.ALPNProto

// Options of an issuer. Domains and CacheDir are required.
type Options struct {
	Domains      []string
	CacheDir     string         // where keys and certificates are kept
	Email        string         // a contact for the authority; may be empty
	DirectoryURL string         // of the authority; empty means Let's Encrypt's
	RootCAs      *x509.CertPool // that sign the authority's certificate; nil means the system's
}

// Issuer obtains certificates from an ACME authority. Its methods are safe for concurrent use.
type Issuer struct {
	domains []string
	manager *autocert.Manager

	mu           sync.Mutex
	certificates map[string]*tls.Certificate
}

// New returns an issuer. It sends no request before Renew. With it, you accept the authority's terms of service.
func New(o Options) *Issuer {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}
	return &Issuer{domains: o.Domains, certificates: map[string]*tls.Certificate{}, manager: &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(o.CacheDir), HostPolicy: autocert.HostWhitelist(o.Domains...), Email: o.Email,
		Client: &acme.Client{DirectoryURL: o.DirectoryURL, HTTPClient: &http.Client{Transport: &orderLocationTransport{base: transport, locations: map[string]string{}}, Timeout: time.Minute}},
	}}
}

// Certificate returns the certificate to present on a connection. On a connection of the authority it is the challenge certificate.
// Otherwise it is the certificate of the requested domain, or nil if there is none.
func (i *Issuer) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Contains(hello.SupportedProtos, ALPNProtocol) {
		return i.manager.GetCertificate(hello)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.certificates[strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))], nil
}

// Challenges returns a handler for plain HTTP that answers the authority's challenges and leaves all other requests to next.
func (i *Issuer) Challenges(next http.Handler) http.Handler {
	handler := i.manager.HTTPHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.Host); err == nil && strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
			r.Host = host // without the port, because autocert compares it with the domains. A private authority may use another port than 80
		}
		handler.ServeHTTP(w, r)
	})
}

// Renew obtains the missing certificates. The library renews existing ones in the background, 30 days before they expire, and Renew
// takes over the new ones, so call it regularly. It may take minutes for each domain, and cannot be interrupted. Calls must not
// overlap. Its error joins those of all domains that failed.
func (i *Issuer) Renew() error {
	var failures []error
	for _, name := range i.domains {
		c, err := i.manager.GetCertificate(ecdsaHello(name))
		if err != nil {
			failures = append(failures, fmt.Errorf("certificate for %s: %w", name, err))
			continue
		}
		i.mu.Lock()
		i.certificates[name] = c
		i.mu.Unlock()
	}
	return errors.Join(failures...)
}

// ecdsaHello returns the hello of a client that accepts ECDSA certificates, as all clients of camd do.
func ecdsaHello(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}

// Handles reports whether a name is one of the issuer's domains.
func (i *Issuer) Handles(name string) bool {
	return slices.Contains(i.domains, strings.ToLower(strings.TrimSuffix(name, ".")))
}

// NotAfter returns when the first of the certificates expires. It is zero while any certificate is missing.
func (i *Issuer) NotAfter() (earliest time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, name := range i.domains {
		c := i.certificates[name]
		if c == nil {
			return time.Time{}
		}
		if earliest.IsZero() || c.Leaf.NotAfter.Before(earliest) {
			earliest = c.Leaf.NotAfter
		}
	}
	return earliest
}
