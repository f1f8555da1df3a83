// Package acme has certificates made out by an ACME authority, such as Let's Encrypt, for names by which this server is reached, and
// keeps them in a folder.
//
// The authority looks whether the names lead here: over TLS, by [Account.Certificate] (tls-alpn-01), or in the clear, by
// [Account.Challenges] (http-01). Nothing but [Account.Renew] asks it for anything: no stranger's handshake waits for it, or uses
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

// Protocol is what the authority's connections are known by among a server's.
const Protocol = acme.ALPNProto

// Options of an account. Domains and Folder are required.
type Options struct {
	Domains   []string
	Folder    string         // where keys and certificates are kept
	Email     string         // where the authority may write to; empty: nowhere
	Directory string         // the authority's address; empty: Let's Encrypt's
	Trusted   *x509.CertPool // who vouches for the authority; nil: whom the system trusts
}

// Account has certificates made out. Its methods are safe for concurrent use.
type Account struct {
	domains []string
	manager *autocert.Manager

	mu  sync.Mutex
	got map[string]*tls.Certificate
}

// New returns an account, which asks for nothing yet. The terms of the authority are accepted.
func New(o Options) *Account {
	way := http.DefaultTransport.(*http.Transport).Clone()
	way.TLSClientConfig = &tls.Config{RootCAs: o.Trusted, MinVersion: tls.VersionTLS12}
	return &Account{domains: o.Domains, got: map[string]*tls.Certificate{}, manager: &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(o.Folder), HostPolicy: autocert.HostWhitelist(o.Domains...), Email: o.Email,
		Client: &acme.Client{DirectoryURL: o.Directory, HTTPClient: &http.Client{Transport: &orders{way: way, begun: map[string]string{}}, Timeout: time.Minute}},
	}}
}

// Certificate returns what to show to who begins a connection: the authority's proof, or the certificate of the name that is asked
// for. It is nil where there is none, for now or for ever.
func (a *Account) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Contains(hello.SupportedProtos, Protocol) {
		return a.manager.GetCertificate(hello)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got[strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))], nil
}

// Challenges answers the authority in the clear, and leaves all else to next.
func (a *Account) Challenges(next http.Handler) http.Handler {
	own := a.manager.HTTPHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.Host); err == nil && strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
			r.Host = host // autocert compares it with the names, and an authority of one's own may come to another port than 80
		}
		own.ServeHTTP(w, r)
	})
}

// Renew has the certificates made out that are not there. Those that are there are renewed 30 days before they end by
// themselves, and found by it. It may take minutes for each, and cannot be interrupted; one call at a time.
func (a *Account) Renew() error {
	var all []error
	for _, name := range a.domains {
		c, err := a.manager.GetCertificate(modern(name))
		if err != nil {
			all = append(all, fmt.Errorf("certificate for %s: %w", name, err))
			continue
		}
		a.mu.Lock()
		a.got[name] = c
		a.mu.Unlock()
	}
	return errors.Join(all...)
}

// modern is what a client says that takes ECDSA, which all do that camd speaks to.
func modern(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}

// For reports whether a name is one of the account's.
func (a *Account) For(name string) bool {
	return slices.Contains(a.domains, strings.ToLower(strings.TrimSuffix(name, ".")))
}

// Until is when the first of the certificates ends, zero while one is missing.
func (a *Account) Until() (first time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range a.domains {
		c := a.got[name]
		if c == nil {
			return time.Time{}
		}
		if first.IsZero() || c.Leaf.NotAfter.Before(first) {
			first = c.Leaf.NotAfter
		}
	}
	return first
}
