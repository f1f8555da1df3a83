// Package tlsverify verifies the certificate of a camera's server. By default it verifies the chain and the host name against
// the system's roots. Options replace the roots by a CA file, or the whole check by the fingerprint of one certificate.
package tlsverify

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Options say how a server's certificate is verified. At most one of CAFile, Fingerprint and SkipVerify is set.
type Options struct {
	CAFile      string // PEM file with the certificates to trust instead of the system's roots
	Fingerprint string // of the server's own certificate, as Fingerprint returns it; replaces chain, dates and host name
	SkipVerify  bool   // accept any certificate

	// CAPEM is the content of CAFile, for a process that cannot open the file. Empty means that New reads the file.
	CAPEM string `json:"-"`
}

// Verifier verifies certificates. It is safe for concurrent use.
type Verifier struct {
	options Options
	roots   *x509.CertPool // nil: the system's
}

// New returns a Verifier. It reads the CA file if one is set, and returns an error if that has no certificates.
func New(o Options) (*Verifier, error) {
	v := &Verifier{options: o}
	if o.CAFile == "" {
		return v, nil
	}
	pem := []byte(o.CAPEM)
	if len(pem) == 0 {
		var err error
		if pem, err = os.ReadFile(o.CAFile); err != nil {
			return nil, fmt.Errorf("read ca_file: %w", err)
		}
	}
	v.roots = x509.NewCertPool()
	if !v.roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s contains no certificate", o.CAFile)
	}
	return v, nil
}

// Verify checks the certificates that the server of a host presented, its own first. Its error is always an *Error.
func (v *Verifier) Verify(host string, chain []*x509.Certificate) error {
	switch {
	case v.options.SkipVerify:
		return nil
	case len(chain) == 0:
		return &Error{Problem: "the server presented no certificate"}
	case v.options.Fingerprint != "":
		return v.verifyFingerprint(chain[0])
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: v.roots, Intermediates: intermediates})
	if err == nil {
		return nil
	}
	return explain(host, chain[0], err)
}

func (v *Verifier) verifyFingerprint(leaf *x509.Certificate) error {
	if Fingerprint(leaf) == v.options.Fingerprint {
		return nil
	}
	return &Error{
		Problem:     "the certificate is not the one whose fingerprint is configured",
		Fingerprint: Fingerprint(leaf), replaced: true,
	}
}

// Config returns the configuration of a TLS connection to a host, which is verified by Verify.
func (v *Verifier) Config(host string) *tls.Config {
	return &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection verifies, also against a fingerprint
		VerifyConnection:   func(s tls.ConnectionState) error { return v.Verify(host, s.PeerCertificates) },
	}
}

// VerifyDER checks certificates in DER form as Verify does.
func (v *Verifier) VerifyDER(host string, chain [][]byte) error {
	var certificates []*x509.Certificate
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil && !v.options.SkipVerify {
			return &Error{Problem: "the server presented a certificate that cannot be parsed"}
		}
		certificates = append(certificates, c)
	}
	return v.Verify(host, certificates)
}

// explain returns the *Error for an error of x509.Certificate.Verify.
func explain(host string, leaf *x509.Certificate, err error) *Error {
	e := &Error{Fingerprint: Fingerprint(leaf)}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		e.Problem = fmt.Sprintf("the certificate is not for the host %q but for %s", printable(wrong.Host), namesText(leaf))
		return e
	}
	invalid, _ := errors.AsType[x509.CertificateInvalidError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, noRoots := errors.AsType[x509.SystemRootsError](err)
	switch {
	case invalid.Cert != nil && invalid.Reason == x509.Expired:
		e.Problem = validityProblem(invalid.Cert)
	case invalid.Cert != nil && invalid.Reason == x509.IncompatibleUsage:
		e.Problem = "the certificate is not for servers"
	case unknown && isSelfSigned(leaf):
		e.Problem, e.untrusted = "the certificate is self-signed", true
	case unknown:
		e.Problem, e.untrusted = fmt.Sprintf("the certificate is signed by %q, which is not trusted", printable(leaf.Issuer.CommonName)), true
	case noRoots:
		e.Problem, e.untrusted = "this machine has no CA certificates", true
	default:
		e.Problem = "the certificate is not valid"
	}
	return e
}

func isSelfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}
