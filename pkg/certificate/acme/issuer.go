// Package acme obtains certificates from an ACME authority, such as Let's Encrypt, for the domains of this server, and
// keeps them in a folder.
//
// The authority looks whether the names lead here: over TLS, by [Issuer.Certificate] (tls-alpn-01), or in the clear, by
// [Issuer.Challenges] (http-01). Nothing but [Issuer.Renew] asks it for anything: no stranger's handshake waits for it, or uses
// up what it grants.
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

// ALPNProtocol is what the authority's connections are known by among a server's.
const ALPNProtocol = acme.ALPNProto

// Options of an issuer. Domains and CacheDir are required.
type Options struct {
	Domains      []string
	CacheDir     string         // where keys and certificates are kept
	Email        string         // where the authority may write to; empty: nowhere
	DirectoryURL string         // the authority's address; empty: Let's Encrypt's
	RootCAs      *x509.CertPool // who vouches for the authority; nil: whom the system trusts
}

// Issuer obtains certificates from an ACME authority. Its methods are safe for concurrent use.
type Issuer struct {
	domains []string
	manager *autocert.Manager

	mu           sync.Mutex
	certificates map[string]*tls.Certificate
}

// New returns an issuer, which requests nothing yet. The terms of the authority are accepted.
func New(o Options) *Issuer {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}
	return &Issuer{domains: o.Domains, certificates: map[string]*tls.Certificate{}, manager: &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(o.CacheDir), HostPolicy: autocert.HostWhitelist(o.Domains...), Email: o.Email,
		Client: &acme.Client{DirectoryURL: o.DirectoryURL, HTTPClient: &http.Client{Transport: &orderLocationTransport{base: transport, locations: map[string]string{}}, Timeout: time.Minute}},
	}}
}

// Certificate returns what to show to who begins a connection: the authority's proof, or the certificate of the name that is asked
// for. It is nil where there is none, for now or for ever.
func (i *Issuer) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Contains(hello.SupportedProtos, ALPNProtocol) {
		return i.manager.GetCertificate(hello)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.certificates[strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))], nil
}

// Challenges answers the authority in the clear, and leaves all else to next.
func (i *Issuer) Challenges(next http.Handler) http.Handler {
	handler := i.manager.HTTPHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.Host); err == nil && strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
			r.Host = host // autocert compares it with the names, and an authority of one's own may come to another port than 80
		}
		handler.ServeHTTP(w, r)
	})
}

// Renew has the certificates made out that are not there. Those that are there are renewed 30 days before they end by
// themselves, and found by it. It may take minutes for each, and cannot be interrupted; one call at a time.
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

// ecdsaHello is what a client says that takes ECDSA, which all do that camd speaks to.
func ecdsaHello(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}

// Handles reports whether a name is one of the issuer's domains.
func (i *Issuer) Handles(name string) bool {
	return slices.Contains(i.domains, strings.ToLower(strings.TrimSuffix(name, ".")))
}

// NotAfter is when the first of the certificates ends, zero while one is missing.
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
