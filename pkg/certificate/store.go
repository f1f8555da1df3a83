package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"sync/atomic"
)

// Store holds the certificate that a server presents, and its policy for clients. Both can be replaced while the server runs: open
// connections continue, and new ones use the new values. Call SetCertificate before the first connection. Its methods are safe for
// concurrent use.
type Store struct {
	certificate atomic.Pointer[tls.Certificate]
	source      atomic.Pointer[Source]
	configs     atomic.Pointer[tlsConfigs]
}

// tlsConfigs are the TLS configurations of a ClientPolicy.
type tlsConfigs struct {
	general   *tls.Config
	challenge *tls.Config // for ChallengeProtocols; nil if there are none
}

// Source returns the certificate for one connection. It must be safe for concurrent use.
type Source func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// SetCertificate replaces the certificate of all connections.
func (s *Store) SetCertificate(c *tls.Certificate) { s.certificate.Store(c) }

// Certificate returns the certificate that SetCertificate has set, or nil.
func (s *Store) Certificate() *tls.Certificate { return s.certificate.Load() }

// SetSource makes new connections use the certificates of a source instead of that of SetCertificate.
func (s *Store) SetSource(source Source) { s.source.Store(&source) }

// ClientPolicy is what a server requires of clients. The zero value requires TLS 1.2 or later, and no certificate.
type ClientPolicy struct {
	MinVersion         uint16         // 0 means tls.VersionTLS12
	CAs                *x509.CertPool // that sign client certificates; nil requests no certificates
	Require            bool           // refuse clients without a certificate. Clients with an invalid one are always refused
	ChallengeProtocols []string       // ALPN protocols of an ACME authority's challenges. They need no client certificate, and carry no HTTP
}

// SetClientPolicy replaces the policy.
func (s *Store) SetClientPolicy(policy ClientPolicy) {
	c := &tlsConfigs{general: s.newConfig(policy)}
	if len(policy.ChallengeProtocols) > 0 {
		c.challenge = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: policy.ChallengeProtocols, GetCertificate: s.certificateFor} // without HTTP
	}
	s.configs.Store(c)
}

// Server returns the configuration of a server for HTTP/2 and HTTP/1.1. It follows later changes of the Store.
func (s *Store) Server() *tls.Config {
	c := s.newConfig(ClientPolicy{})
	s.configs.CompareAndSwap(nil, &tlsConfigs{general: c})
	c = c.Clone()
	// A connection keeps the policy with which it started. Session tickets belong to this configuration, so that clients can resume
	// sessions after a reload. VerifyConnection then checks them with the new policy.
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return s.configs.Load().forHello(hello), nil }
	return c
}

// forHello returns the configuration for a connection.
func (t *tlsConfigs) forHello(hello *tls.ClientHelloInfo) *tls.Config {
	if t.challenge != nil && slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return slices.Contains(t.challenge.NextProtos, p) }) {
		return t.challenge
	}
	return t.general
}

func (s *Store) newConfig(policy ClientPolicy) *tls.Config {
	c := &tls.Config{
		MinVersion: max(policy.MinVersion, tls.VersionTLS12), NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: s.certificateFor,
	}
	if policy.CAs == nil {
		return c
	}
	c.ClientCAs = policy.CAs // clients choose their certificate by this list
	// verifyClient checks certificates instead of crypto/tls: camd's requests to itself present its own certificate, which no client
	// CA has signed.
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

// verifyClient checks the certificate that a client has presented, if any.
func (s *Store) verifyClient(state tls.ConnectionState, policy ClientPolicy) error {
	if len(state.PeerCertificates) == 0 || s.isOwnCertificate(state) {
		return nil // crypto/tls has refused clients without a required certificate
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

// Server returns the configuration of a server that always presents c.
func Server(c *tls.Certificate) *tls.Config {
	var s Store
	s.SetCertificate(c)
	return s.Server()
}

var errWrongCertificate = errors.New("the server presents another certificate than the configured one")

// Client returns the configuration of a client that accepts only a server with the certificate c. It checks neither names nor CAs,
// because camd's requests to itself use a loopback address, which is not in the certificate. If the server requests a client
// certificate, the client presents c, whose key only this machine has.
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
