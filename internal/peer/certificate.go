package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificate is a certificate of the test's own making, signed by itself. The zero value is for 127.0.0.1, and good now.
type Certificate struct {
	Name        string // a host or an IP address; default 127.0.0.1
	From, Until time.Time
}

// Issued is a certificate and where its files are.
type Issued struct {
	File, Key string // PEM, in a folder of their own: cert.pem and key.pem
	Pool      *x509.CertPool
	SPKI      string // as Chromium's --ignore-certificate-errors-spki-list wants it
}

// Make writes the files into a folder that goes when the test ends.
func (c Certificate) Make(t testing.TB) Issued {
	t.Helper()
	key, template := c.template(t)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage |= x509.KeyUsageCertSign
	return issue(t, template, template, key, key)
}

// Server makes a server's certificate that this one has signed.
func (i Issued) Server(t testing.TB, c Certificate) Issued {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(i.File, i.Key)
	if err != nil {
		t.Fatal(err)
	}
	key, template := c.template(t)
	return issue(t, template, pair.Leaf, key, pair.PrivateKey)
}

// template is what is to be signed, and a new key for it.
func (c Certificate) template(t testing.TB) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	if c.Name == "" {
		c.Name = "127.0.0.1"
	}
	if c.From.IsZero() {
		c.From = time.Now().Add(-time.Hour)
	}
	if c.Until.IsZero() {
		c.Until = time.Now().Add(24 * time.Hour)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "camd's test " + c.Name},
		NotBefore: c.From, NotAfter: c.Until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(c.Name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{c.Name}
	}
	return key, template
}

// issue signs what is in a template, for a key.
func issue(t testing.TB, template, by *x509.Certificate, key *ecdsa.PrivateKey, signer any) Issued {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, by, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return issued(t, der, secret)
}

func issued(t testing.TB, der, secret []byte) Issued {
	t.Helper()
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	i := Issued{File: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), Pool: x509.NewCertPool()}
	i.Pool.AddCert(leaf)
	i.SPKI = SPKI(leaf)
	for path, block := range map[string]*pem.Block{i.File: {Type: "CERTIFICATE", Bytes: der}, i.Key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

// Client makes the certificate of a client of that name, for which this one vouches.
func (i Issued) Client(t testing.TB, name string, until time.Time) Issued {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(i.File, i.Key)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	return issue(t, template, pair.Leaf, key, pair.PrivateKey)
}

// SPKI tells a certificate's key as Chromium's --ignore-certificate-errors-spki-list wants it.
func SPKI(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}
