// Package certificate loads or generates the TLS certificate of camd, and makes the TLS configurations of servers and clients.
//
// The errors of [Files.Load] say what is wrong with the files and what is expected. [Files.Warnings] lists problems with a
// certificate that can still be served. No message repeats any part of a key.
package certificate

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"

	"camd/internal/boundedfile"
)

// Files are the paths of PEM files with a certificate and its private key. Both may be the same file.
type Files struct {
	Certificate string // has the server's own certificate first, then the intermediate ones
	Key         string
}

// FileError is an error in one of the files.
type FileError struct {
	InKey bool // the error is in the file of the key, not in that of the certificate
	Err   error
}

func (m *FileError) Error() string { return m.Err.Error() }

func (m *FileError) Unwrap() error { return m.Err }

// Load reads the files. Its error is a *FileError.
func (f Files) Load() (*tls.Certificate, error) {
	certPEM, err := readPEM(f.Certificate, "CERTIFICATE", "certificate")
	if err != nil {
		return nil, &FileError{false, err}
	}
	keyPEM, err := readPEM(f.Key, "PRIVATE KEY", "private key")
	if err != nil {
		return nil, &FileError{true, err}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	switch {
	case err == nil:
		return &pair, nil
	case strings.Contains(err.Error(), "does not match"):
		return nil, &FileError{true, fmt.Errorf("%s is not the key of the first certificate in %s; the server's own certificate must come first",
			f.Key, f.Certificate)}
	case strings.Contains(err.Error(), "key"): // unreadable, or of a kind that TLS has no use for
		return nil, &FileError{true, fmt.Errorf("%s: %s; must be an RSA, ECDSA or Ed25519 key", f.Key, strings.TrimPrefix(err.Error(), "tls: "))}
	}
	return nil, &FileError{false, fmt.Errorf("%s: %s", f.Certificate, strings.TrimPrefix(err.Error(), "tls: "))}
}

// maxFileSize bounds a file, in bytes, so that a path to something else is an error.
const maxFileSize = 1 << 20

// readPEM returns the content of a PEM file that holds a block of that type. description names the expected content in errors.
func readPEM(path, block, description string) ([]byte, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w; must be a PEM file with the %s", err, description)
	}
	hint := ""
	for rest := text; ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		switch {
		case block == "PRIVATE KEY" && (b.Type == "ENCRYPTED PRIVATE KEY" || b.Headers["DEK-Info"] != ""):
			return nil, fmt.Errorf("%s is encrypted with a passphrase, which camd cannot ask for; decrypt it: openssl pkey -in %[1]s -out NEW", path)
		case strings.HasSuffix(b.Type, block): // keys have several types, such as RSA PRIVATE KEY and EC PRIVATE KEY
			return text, nil
		case strings.HasSuffix(b.Type, "PRIVATE KEY") || b.Type == "CERTIFICATE":
			hint = "; the two files may be swapped"
		}
	}
	return nil, fmt.Errorf("%s holds no %s; must be PEM, with -----BEGIN %s-----%s", path, description, block, hint)
}

func readFile(path string) ([]byte, error) {
	text, err := boundedfile.Read(path, maxFileSize)
	return bytes.TrimPrefix(text, []byte("\ufeff")), err
}

// Warning is a problem with a certificate that can still be served.
type Warning struct{ Summary, Detail string }

// Warnings lists what the administrator should fix, at the time now. c is the loaded certificate.
func (f Files) Warnings(c *tls.Certificate, now time.Time) (warnings []Warning) {
	leaf := c.Leaf
	switch {
	case now.After(leaf.NotAfter):
		warnings = append(warnings, Warning{"certificate expired",
			fmt.Sprintf("%s expired at %s, and browsers refuse it; renew it", f.Certificate, leaf.NotAfter.Format(time.RFC3339))})
	case now.Before(leaf.NotBefore):
		warnings = append(warnings, Warning{"certificate not valid yet",
			fmt.Sprintf("%s is valid from %s; check this machine's clock", f.Certificate, leaf.NotBefore.Format(time.RFC3339))})
	}
	if info, err := os.Stat(f.Key); err == nil && info.Mode()&0o004 != 0 {
		warnings = append(warnings, Warning{"key exposed", "every user of this machine can read " + f.Key + "; run chmod o= " + f.Key})
	}
	return warnings
}
