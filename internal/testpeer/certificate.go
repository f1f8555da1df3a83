package testpeer

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

// Certificate describes a self-signed certificate of a test. The zero value is for 127.0.0.1 and valid now.
type Certificate struct {
	Name                string // a host or an IP address; default 127.0.0.1
	NotBefore, NotAfter time.Time
}

// KeyPair is a certificate and its files.
type KeyPair struct {
	File, Key string // PEM files in their own folder: cert.pem and key.pem
	Pool      *x509.CertPool
	SPKIHash  string // for Chromium's --ignore-certificate-errors-spki-list
}

// Make writes the files to a folder that is deleted when the test ends.
func (c Certificate) Make(t testing.TB) KeyPair {
	t.Helper()
	key, template := c.template(t)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage |= x509.KeyUsageCertSign
	return issue(t, template, template, key, key)
}

// IssueServer makes a server certificate and signs it with k.
func (k KeyPair) IssueServer(t testing.TB, c Certificate) KeyPair {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(k.File, k.Key)
	if err != nil {
		t.Fatal(err)
	}
	key, template := c.template(t)
	return issue(t, template, pair.Leaf, key, pair.PrivateKey)
}

// template returns an unsigned certificate, and a new key for it.
func (c Certificate) template(t testing.TB) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	if c.Name == "" {
		c.Name = "127.0.0.1"
	}
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Hour)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(24 * time.Hour)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "camd's test " + c.Name},
		NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(c.Name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{c.Name}
	}
	return key, template
}

// issue signs a template for a key, and writes both.
func issue(t testing.TB, template, by *x509.Certificate, key *ecdsa.PrivateKey, signer any) KeyPair {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, by, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return writeKeyPair(t, der, secret)
}

func writeKeyPair(t testing.TB, der, secret []byte) KeyPair {
	t.Helper()
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	i := KeyPair{File: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), Pool: x509.NewCertPool()}
	i.Pool.AddCert(leaf)
	i.SPKIHash = SPKIHash(leaf)
	for path, block := range map[string]*pem.Block{i.File: {Type: "CERTIFICATE", Bytes: der}, i.Key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

// IssueClient makes a client certificate for a name and signs it with k.
func (k KeyPair) IssueClient(t testing.TB, name string, until time.Time) KeyPair {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(k.File, k.Key)
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

// SPKIHash returns the hash of a certificate's key in the form of Chromium's --ignore-certificate-errors-spki-list.
func SPKIHash(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}
