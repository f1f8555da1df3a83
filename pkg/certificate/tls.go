package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"sync/atomic"
)

// Shown is the certificate that a server shows, and what it demands of who comes. Both can be replaced while the server runs:
// connections that there are go on, and those that come meet the new ones. Safe for concurrent use; Show comes before the first
// connection.
type Shown struct {
	now    atomic.Pointer[tls.Certificate]
	source atomic.Pointer[Source]
	terms  atomic.Pointer[configs]
}

// configs are what Terms come to.
type configs struct {
	all    *tls.Config
	proofs *tls.Config // for protocols of their own; nil without any
}

// Source finds the certificate for a connection, where there is not one for all.
type Source func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// Show replaces the certificate.
func (s *Shown) Show(c *tls.Certificate) { s.now.Store(c) }

// Now is the certificate that is shown to everybody, nil if there is none.
func (s *Shown) Now() *tls.Certificate { return s.now.Load() }

// Ask has the certificates of connections come from a source.
func (s *Shown) Ask(from Source) { s.source.Store(&from) }

// Terms are what a server demands. The zero value is TLS 1.2 or later, and no certificate.
type Terms struct {
	MinVersion uint16         // tls.VersionTLS12 unless given
	Clients    *x509.CertPool // who vouches for clients; nil: none is asked for a certificate
	Require    bool           // who shows none is sent away; else only who shows one that nobody vouches for
	Proofs     []string       // protocols by which others look whether a name leads here, over which nothing else is said: none needs a certificate
}

// Demand replaces the terms.
func (s *Shown) Demand(t Terms) {
	c := &configs{all: s.config(t)}
	if len(t.Proofs) > 0 {
		c.proofs = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: t.Proofs, GetCertificate: s.choose} // and not HTTP
	}
	s.terms.Store(c)
}

// Server returns what a server needs, for HTTP/2 and HTTP/1.1.
func (s *Shown) Server() *tls.Config {
	c := s.config(Terms{})
	s.terms.CompareAndSwap(nil, &configs{all: c})
	c = c.Clone()
	// The terms of a connection are those of its beginning. Tickets are this configuration's, so that who resumes a session after a
	// reload is known still, and is looked at again: VerifyConnection is called for it, too.
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return s.terms.Load().of(hello), nil }
	return c
}

// of returns what a connection goes by.
func (c *configs) of(hello *tls.ClientHelloInfo) *tls.Config {
	if c.proofs != nil && slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return slices.Contains(c.proofs.NextProtos, p) }) {
		return c.proofs
	}
	return c.all
}

func (s *Shown) config(t Terms) *tls.Config {
	c := &tls.Config{
		MinVersion: max(t.MinVersion, tls.VersionTLS12), NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: s.choose,
	}
	if t.Clients == nil {
		return c
	}
	c.ClientCAs = t.Clients // tells clients which of theirs to show
	// Checked below, and not by crypto/tls: camd's own knocks at its door show its own certificate, for which no client CA vouches.
	c.ClientAuth = tls.RequestClientCert
	if t.Require {
		c.ClientAuth = tls.RequireAnyClientCert
	}
	c.VerifyConnection = func(state tls.ConnectionState) error { return s.admit(state, t) }
	return c
}

func (s *Shown) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if from := s.source.Load(); from != nil {
		return (*from)(hello)
	}
	return s.now.Load(), nil
}

// admit checks what a client has shown.
func (s *Shown) admit(state tls.ConnectionState, t Terms) error {
	if len(state.PeerCertificates) == 0 || s.own(state) {
		return nil // crypto/tls has sent away who must show one
	}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: t.Clients, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

// own reports whether a client is of this server's own house: it has its key.
func (s *Shown) own(state tls.ConnectionState) bool {
	now := s.now.Load()
	return now != nil && now.Leaf != nil && bytes.Equal(state.PeerCertificates[0].Raw, now.Leaf.Raw)
}

// Server returns what a server needs that shows c for good.
func Server(c *tls.Certificate) *tls.Config {
	var s Shown
	s.Show(c)
	return s.Server()
}

var errAnother = errors.New("the server shows another certificate than the one configured")

// Client returns what a client needs that speaks to a server with c and nobody else, by whatever name it calls it and
// whoever vouches for it: a daemon is asked at its loopback address, for which no certificate is made out. Should the server
// want one of it, it shows c itself, whose key only the server's own house has.
func Client(c *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c, nil },
		InsecureSkipVerify:   true, // names and signatures; VerifyConnection compares the certificate itself
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, c.Leaf.Raw) {
				return errAnother
			}
			return nil
		},
	}
}
