package tlsverify

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Error says which check a certificate failed.
type Error struct {
	Problem     string
	Fingerprint string // of the server's certificate; empty if it has none

	untrusted bool // no trusted CA has signed the certificate
	replaced  bool // the certificate is not the one with the configured fingerprint
}

func (e *Error) Error() string { return e.Problem }

// Remedy returns what a person can do about the failure. pinnable says whether a fingerprint may be configured for the camera.
func (e *Error) Remedy(pinnable bool) string {
	switch {
	case e.replaced:
		return "set fingerprint: " + e.Fingerprint + " if the camera has a new certificate"
	case e.Fingerprint == "":
		return "check the camera's TLS settings"
	case pinnable && e.untrusted:
		return "set ca_file, or set fingerprint: " + e.Fingerprint + " if you trust it"
	case pinnable:
		return "install another certificate on the camera, or set fingerprint: " + e.Fingerprint + " if you trust it"
	case e.untrusted:
		return "set ca_file to a file with the certificate to trust"
	}
	return "install another certificate on the camera"
}

// ConfigLine returns a line for the camera's configuration that makes camd accept the certificate. pinnable is as for Remedy.
func (e *Error) ConfigLine(pinnable bool) string {
	switch {
	case pinnable && e.Fingerprint != "":
		return "fingerprint: " + e.Fingerprint
	case e.untrusted:
		return "ca_file: camera.pem"
	}
	return "tls_verify: false"
}

const fingerprintPrefix = "sha256:"

// Fingerprint returns the SHA-256 of a certificate's DER form as "sha256:" and 64 hexadecimal digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return fingerprintPrefix + hex.EncodeToString(sum[:])
}

// ParseFingerprint parses "sha256:" and 64 hexadecimal digits of either case, with or without colons between the bytes. It returns the
// fingerprint in the form of Fingerprint.
func ParseFingerprint(s string) (string, error) {
	prefix, digits, _ := strings.Cut(strings.ToLower(s), ":")
	if strings.Contains(digits, ":") {
		if strings.Count(digits, ":") != sha256.Size-1 || len(digits) != 3*sha256.Size-1 {
			digits = ""
		}
		digits = strings.ReplaceAll(digits, ":", "")
	}
	sum, err := hex.DecodeString(digits)
	if prefix+":" != fingerprintPrefix || err != nil || len(sum) != sha256.Size {
		return "", errors.New("must be sha256: and the 64 hexadecimal digits of the certificate's SHA-256, as camd probe prints it")
	}
	return fingerprintPrefix + digits, nil
}

// validityProblem returns why a certificate is not valid at the present time.
func validityProblem(c *x509.Certificate) string {
	if time.Now().Before(c.NotBefore) {
		return "the certificate is not valid before " + c.NotBefore.UTC().Format(time.DateTime) + " UTC (check this machine's clock)"
	}
	return "the certificate expired at " + c.NotAfter.UTC().Format(time.DateTime) + " UTC"
}

// Names returns the host names and IP addresses of a certificate. After 20 of them it says how many more there are.
func Names(c *x509.Certificate) []string {
	const maxNames = 20
	var all []string
	for _, name := range c.DNSNames {
		all = append(all, printable(name))
	}
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) > maxNames {
		all = append(all[:maxNames], fmt.Sprintf("%d more", len(all)-maxNames))
	}
	return all
}

func namesText(c *x509.Certificate) string {
	all := Names(c)
	if len(all) > 3 {
		all = append(all[:3], fmt.Sprintf("%d more", len(all)-3))
	}
	if len(all) == 0 {
		return "none (it has no subject alternative names)"
	}
	return strings.Join(all, ", ")
}

// Subject returns the subject of a certificate as a text for people.
func Subject(c *x509.Certificate) string { return printable(c.Subject.String()) }

// printable makes a text from a certificate safe for messages: it replaces characters that cannot be printed, and cuts a long text.
func printable(s string) string {
	const maxRunes = 100
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxRunes {
		return string(r[:maxRunes]) + "…"
	}
	return s
}
