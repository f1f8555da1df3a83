package config

import (
	"cmp"
	"crypto/tls"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"camd/pkg/certificate"

	"go.yaml.in/yaml/v3"
)

// TLS says how connections are encrypted: with a certificate from files, one that camd generates, or one of a certificate authority.
type TLS struct {
	Files        certificate.Files // empty with SelfSigned or ACME
	SelfSigned   bool
	ACME         *ACME         // nil without
	MinVersion   uint16        // as in crypto/tls; 0 means 1.2
	ClientCA     string        // a PEM file with the CAs of client certificates; empty asks clients for none
	ClientAuth   string        // request or require; with ClientCA
	HSTS         time.Duration // how long browsers must use only HTTPS (Strict-Transport-Security); 0 sends no such header
	RedirectFrom string        // an address that redirects to HTTPS; empty: none
}

// Scheme returns the scheme of camd's URLs.
func (c *Config) Scheme() string {
	if c.TLS == nil {
		return "http"
	}
	return "https"
}

// CertificateFiles returns the files of the certificate. Generated ones are in stateDir.
func (t *TLS) CertificateFiles(stateDir string) certificate.Files {
	if t.SelfSigned || t.ACME != nil { // for names without an ACME certificate camd serves its generated one
		return certificate.SelfSigned{Dir: stateDir}.Files()
	}
	return t.Files
}

// tlsEntry is the section tls as the file has it.
type tlsEntry struct {
	TLS
	certificateNode, keyNode, caNode *yaml.Node // the values
}

func tlsFields() []field[tlsEntry] {
	return []field[tlsEntry]{
		{"certificate", pemFile(func(e *tlsEntry) (*string, **yaml.Node) { return &e.Files.Certificate, &e.certificateNode })},
		{"key", pemFile(func(e *tlsEntry) (*string, **yaml.Node) { return &e.Files.Key, &e.keyNode })},
		{"self_signed", boolean(func(e *tlsEntry) *bool { return &e.SelfSigned })},
		{"acme", readACME},
		{"min_version", scalar(func(e *tlsEntry) *uint16 { return &e.MinVersion }, "1.2 or 1.3", parseTLSVersion)},
		{"hsts", scalar(func(e *tlsEntry) *time.Duration { return &e.HSTS }, "off, or a time from 1m to 3660d, such as 180d", parseHSTS)},
		{"redirect_from", readRedirectFrom},
		{"client_ca", pemFile(func(e *tlsEntry) (*string, **yaml.Node) { return &e.ClientCA, &e.caNode })},
		{"client_auth", oneOf(func(e *tlsEntry) *string { return &e.ClientAuth }, "request", "require")},
	}
}

func parseTLSVersion(s string) (v uint16, ok bool) {
	v = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[s]
	return v, v != 0
}

// parseHSTS reads a duration that may be in days, or off.
func parseHSTS(s string) (time.Duration, bool) {
	if s == "off" {
		return 0, true
	}
	v, err := time.ParseDuration(s)
	if n, ok := strings.CutSuffix(s, "d"); ok {
		var days uint64
		days, err = strconv.ParseUint(n, 10, 16)
		v = time.Duration(days) * 24 * time.Hour
	}
	return v, err == nil && time.Minute <= v && v <= 3660*24*time.Hour
}

func readRedirectFrom(d *decoder, key string, n *yaml.Node, to *tlsEntry) {
	s, ok := d.text(key, n, "HOST:PORT")
	if !ok {
		return
	}
	err := CheckListen(s)
	if err == nil && strings.HasPrefix(s, unixScheme) {
		err = errors.New("want HOST:PORT; who comes by a unix socket is on this machine already")
	}
	if err != nil {
		d.errorf(n, "%s: %v, got %s", key, err, quoteValue(n))
		return
	}
	to.RedirectFrom = s
}

// readTLS reads the section tls and checks its files.
func readTLS(d *decoder, key string, n *yaml.Node, to *Config) {
	var e tlsEntry
	found := len(d.problems)
	given := decode(d, key, n, tlsFields(), &e)
	if len(given) == 0 {
		return
	}
	d.checkCertificateSource(key, n, given, &e)
	d.checkClientAuth(given, &e)
	if len(d.problems) > found {
		return
	}
	to.TLS = &e.TLS
	if e.SelfSigned || e.ACME != nil {
		at := cmp.Or(given["acme"], given["self_signed"])
		to.certificatePosition = Problem{d.file, at.Line, at.Column, at.Value}
		return
	}
	_, err := e.Files.Load()
	var m *certificate.FileError
	switch {
	case err == nil:
	case errors.As(err, &m) && m.InKey:
		d.errorf(e.keyNode, "key: %v", err)
	default:
		d.errorf(e.certificateNode, "certificate: %v", err)
	}
}

// checkCertificateSource holds the section to one certificate.
func (d *decoder) checkCertificateSource(key string, n *yaml.Node, given map[string]*yaml.Node, e *tlsEntry) {
	if e.SelfSigned || given["acme"] != nil {
		one := "acme"
		if e.SelfSigned {
			one = "self_signed"
		}
		for _, other := range []string{"certificate", "key", "acme"} {
			if at := given[other]; at != nil && other != one {
				d.errorf(at, "%s: there is %s, which sees to the certificate; want one or the other", other, one)
			}
		}
		return
	}
	for _, need := range []struct{ key, what string }{
		{"certificate", "a PEM file with the server's certificate"}, {"key", "a PEM file with the certificate's private key"},
	} {
		if given[need.key] == nil {
			d.errorf(n, "%s: has no %s; want %s", key, need.key, need.what)
		}
	}
}

// checkClientAuth checks the CA file for client certificates.
func (d *decoder) checkClientAuth(given map[string]*yaml.Node, e *tlsEntry) {
	switch {
	case given["client_ca"] == nil && given["client_auth"] != nil:
		d.errorf(given["client_auth"], "client_auth: needs client_ca, a PEM file with the certificates of those who vouch for clients")
	case e.ClientCA == "":
	default:
		if e.ClientAuth == "" {
			e.ClientAuth = "require"
		}
		if _, err := certificate.LoadCAs(e.ClientCA); err != nil {
			d.errorf(e.caNode, "client_ca: %v", err)
		}
	}
}

// pemFile returns a reader of the name of a PEM file.
func pemFile(target func(*tlsEntry) (*string, **yaml.Node)) func(*decoder, string, *yaml.Node, *tlsEntry) {
	return func(d *decoder, key string, n *yaml.Node, to *tlsEntry) {
		if path, ok := d.singleLine(key, n, "a path"); ok {
			file, value := target(to)
			*file, *value = d.resolvePath(path), n
			d.nameFile(key, n, *file)
		}
	}
}

// resolvePath returns a path relative to the folder of the configuration.
func (d *decoder) resolvePath(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(d.dir, p)
}
