package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"camd/internal/atomicfile"
)

// SelfSigned is a certificate that camd generates and signs itself. No CA has signed it, so users must compare its fingerprint. It is
// kept in a directory, so that it stays the same across restarts.
type SelfSigned struct {
	Dir           string
	Names         []string // host names and IP addresses that it is valid for; the first is its subject
	RequiredNames []string // if it is not valid for one of these, a new one is generated. Leave out addresses that may change: users must compare the fingerprint of a new one again
}

// How long the certificate is valid, and how long before its end a new one is generated. Apple's systems accept at most 825 days.
const (
	selfSignedLifetime = 825 * 24 * time.Hour
	renewBefore        = 30 * 24 * time.Hour
)

// Files returns the path of the file, which holds both certificate and key. It is replaced as a whole.
func (s SelfSigned) Files() Files {
	path := filepath.Join(s.Dir, "self-signed.pem")
	return Files{path, path}
}

// LoadOrGenerate returns the certificate of the directory. If there is none, or it is not valid for a required name, or it expires
// soon, LoadOrGenerate generates another one. unsaved is then the text to pass to Save, and nil otherwise. A file that exists and
// cannot be loaded is an error.
func (s SelfSigned) LoadOrGenerate(now time.Time) (c *tls.Certificate, unsaved []byte, err error) {
	f := s.Files()
	if _, err := os.Lstat(f.Certificate); err == nil {
		c, err := f.Load()
		if err != nil {
			return nil, nil, fmt.Errorf("%w; delete it, and camd makes another one", err)
		}
		if s.isUsable(c, now) {
			return c, nil, nil
		}
	}
	if err := checkWritable(s.Dir); err != nil {
		return nil, nil, err
	}
	text, err := s.generate(now)
	if err != nil {
		return nil, nil, fmt.Errorf("generate a certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(text, text)
	return &pair, text, err
}

// checkWritable returns an error if files cannot be created in a directory, or if the directory itself cannot be created.
func checkWritable(dir string) error {
	const writeAccess = 2 // W_OK of access(2)
	err := syscall.Access(dir+"/.", writeAccess)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOENT) && dir != filepath.Dir(dir):
		return checkWritable(filepath.Dir(dir))
	}
	return &os.PathError{Op: "write to", Path: dir, Err: err}
}

// Save writes a generated certificate into the directory, which it creates if necessary.
func (s SelfSigned) Save(text []byte) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	return atomicfile.Replace(s.Files().Certificate, text)
}

func (s SelfSigned) isUsable(c *tls.Certificate, now time.Time) bool {
	for _, name := range s.RequiredNames {
		if c.Leaf.VerifyHostname(name) != nil {
			return false
		}
	}
	return now.Add(renewBefore).Before(c.Leaf.NotAfter) && now.After(c.Leaf.NotBefore)
}

// generate returns a new key and certificate as PEM.
func (s SelfSigned) generate(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSignedLifetime), // clocks differ
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, name := range s.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	if len(s.Names) > 0 {
		template.Subject = pkix.Name{CommonName: s.Names[0], Organization: []string{"camd, self-signed"}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...), nil
}

// Fingerprint is what browsers show of a certificate, for people to compare: the SHA-256 of all of it.
func Fingerprint(c *tls.Certificate) string {
	sum := sha256.Sum256(c.Leaf.Raw)
	return strings.ReplaceAll(strings.ToUpper(fmt.Sprintf("% x", sum)), " ", ":")
}
