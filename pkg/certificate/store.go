package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"sync/atomic"
)

// Store is the certificate that a server shows, and what it demands of who comes. Both can be replaced while the server runs:
// open connections continue, and new ones get the new values. Safe for concurrent use; call SetCertificate before the first
// connection.
type Store struct {
	certificate atomic.Pointer[tls.Certificate]
	source      atomic.Pointer[Source]
	configs     atomic.Pointer[tlsConfigs]
}

// tlsConfigs are the TLS configurations of a ClientPolicy.
type tlsConfigs struct {
	general   *tls.Config
	challenge *tls.Config // for protocols of their own; nil without any
}

// Source finds the certificate for a connection, where there is not one for all.
type Source func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// SetCertificate replaces the certificate.
func (s *Store) SetCertificate(c *tls.Certificate) { s.certificate.Store(c) }

// Certificate is the certificate that is shown to everybody, nil if there is none.
func (s *Store) Certificate() *tls.Certificate { return s.certificate.Load() }

// SetSource has the certificates of connections come from a source.
func (s *Store) SetSource(source Source) { s.source.Store(&source) }

// ClientPolicy are what a server demands. The zero value is TLS 1.2 or later, and no certificate.
type ClientPolicy struct {
	MinVersion         uint16         // tls.VersionTLS12 unless given
	CAs                *x509.CertPool // who vouches for clients; nil: none is asked for a certificate
	Require            bool           // who shows none is sent away; else only who shows one that nobody vouches for
	ChallengeProtocols []string       // protocols by which others look whether a name leads here, over which nothing else is said: none needs a certificate
}

// SetClientPolicy replaces the policy.
func (s *Store) SetClientPolicy(policy ClientPolicy) {
	c := &tlsConfigs{general: s.newConfig(policy)}
	if len(policy.ChallengeProtocols) > 0 {
		c.challenge = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: policy.ChallengeProtocols, GetCertificate: s.certificateFor} // and not HTTP
	}
	s.configs.Store(c)
}

// Server returns what a server needs, for HTTP/2 and HTTP/1.1.
func (s *Store) Server() *tls.Config {
	c := s.newConfig(ClientPolicy{})
	s.configs.CompareAndSwap(nil, &tlsConfigs{general: c})
	c = c.Clone()
	// A connection keeps the policy that it began with. Tickets are this configuration's, so that who resumes a session after a
	// reload is known still, and is looked at again: VerifyConnection is called for it, too.
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return s.configs.Load().forHello(hello), nil }
	return c
}

// forHello returns the configuration of a connection.
func (c *tlsConfigs) forHello(hello *tls.ClientHelloInfo) *tls.Config {
	if c.challenge != nil && slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return slices.Contains(c.challenge.NextProtos, p) }) {
		return c.challenge
	}
	return c.general
}

func (s *Store) newConfig(policy ClientPolicy) *tls.Config {
	c := &tls.Config{
		MinVersion: max(policy.MinVersion, tls.VersionTLS12), NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: s.certificateFor,
	}
	if policy.CAs == nil {
		return c
	}
	c.ClientCAs = policy.CAs // tells clients which of theirs to show
	// Checked below, and not by crypto/tls: camd's requests to itself present its own certificate, which no client CA signed.
	c.ClientAuth = tls.RequestClientCert
	if policy.Require {
		c.ClientAuth = tls.RequireAnyClientCert
	}
	c.VerifyConnection = func(state tls.ConnectionState) error { return s.verifyClient(state, policy) }
	return c
}

func (s *Store) certificateFor(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if source := s.source.Load(); source != nil {
		return (*source)(hello)
	}
	return s.certificate.Load(), nil
}

// verifyClient checks what a client has shown.
func (s *Store) verifyClient(state tls.ConnectionState, policy ClientPolicy) error {
	if len(state.PeerCertificates) == 0 || s.isOwnCertificate(state) {
		return nil // crypto/tls has sent away who must show one
	}
	intermediates := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		intermediates.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: policy.CAs, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

// isOwnCertificate reports whether a client presents this server's own certificate, whose key only this machine has.
func (s *Store) isOwnCertificate(state tls.ConnectionState) bool {
	own := s.certificate.Load()
	return own != nil && own.Leaf != nil && bytes.Equal(state.PeerCertificates[0].Raw, own.Leaf.Raw)
}

// Server returns what a server needs that shows c for good.
func Server(c *tls.Certificate) *tls.Config {
	var s Store
	s.SetCertificate(c)
	return s.Server()
}

var errWrongCertificate = errors.New("the server shows another certificate than the one configured")

// Client returns what a client needs that speaks to a server with c and nobody else, by whatever name it calls it and
// whoever vouches for it: a daemon is asked at its loopback address, for which no certificate is made out. Should the server
// want one of it, it shows c itself, whose key only the server's machine has.
func Client(c *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c, nil },
		InsecureSkipVerify:   true, //nolint:gosec // VerifyConnection compares the certificate itself
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, c.Leaf.Raw) {
				return errWrongCertificate
			}
			return nil
		},
	}
}
