package certificate

import (
	"bytes"
	"crypto/tls"
	"errors"
	"sync/atomic"
)

// Shown is the certificate that a server shows. It can be replaced while the server runs: connections that there are go on, and
// those that come see the new one. Safe for concurrent use; Show comes before the first connection.
type Shown struct {
	now atomic.Pointer[tls.Certificate]
}

// Show replaces the certificate.
func (s *Shown) Show(c *tls.Certificate) { s.now.Store(c) }

// Server returns what a server needs. HTTP/2 and HTTP/1.1 are added by net/http.
func (s *Shown) Server() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.now.Load(), nil },
	}
}

// Server returns what a server needs that shows c for good.
func Server(c *tls.Certificate) *tls.Config {
	var s Shown
	s.Show(c)
	return s.Server()
}

var errAnother = errors.New("the server shows another certificate than the one configured")

// Client returns what a client needs that speaks to a server with c and nobody else, by whatever name it calls it and
// whoever vouches for it: a daemon is asked at its loopback address, for which no certificate is made out.
func Client(c *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // names and signatures; VerifyConnection compares the certificate itself
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, c.Leaf.Raw) {
				return errAnother
			}
			return nil
		},
	}
}
