package config

import (
	"crypto/tls"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"camd/pkg/certificate"

	"go.yaml.in/yaml/v3"
)

// TLS is how connections are encrypted: by a certificate of files, or by one that camd makes or has made for it.
type TLS struct {
	Files        certificate.Files // empty: see SelfSigned and ACME
	SelfSigned   bool
	ACME         *ACME         // nil: no authority is asked
	MinVersion   uint16        // one of crypto/tls; 0 is its default here, 1.2
	ClientCA     string        // a PEM file of those who vouch for clients; empty: none is asked for a certificate
	ClientAuth   string        // request or require; with ClientCA
	HSTS         time.Duration // for how long browsers come by https:// alone; 0: as they please
	RedirectFrom string        // an address whose callers are told to come by https://; empty: none
}

// ACME is the authority that makes out certificates.
type ACME struct {
	Domains   []string
	Email     string
	Directory string // its address; empty: Let's Encrypt's
	CA        string // a PEM file of those who vouch for it; empty: whom the system trusts
}

// At is where the certificate is, if its files are in this machine's hands; a folder is that of the state.
func (t *TLS) At(folder string) certificate.Files {
	if t.SelfSigned || t.ACME != nil { // who comes by no name of ACME's is shown camd's own
		return certificate.SelfSigned{Dir: folder}.Files()
	}
	return t.Files
}

// tlsEntry is the section tls as the file has it.
type tlsEntry struct {
	TLS
	shown, key, ca *yaml.Node // the values
}

func tlsFields() []field[tlsEntry] {
	return []field[tlsEntry]{
		{"certificate", readPEM(func(e *tlsEntry) (*string, **yaml.Node) { return &e.Files.Certificate, &e.shown })},
		{"key", readPEM(func(e *tlsEntry) (*string, **yaml.Node) { return &e.Files.Key, &e.key })},
		{"self_signed", flag(func(e *tlsEntry) *bool { return &e.SelfSigned })},
		{"acme", readACME},
		{"min_version", set(func(e *tlsEntry) *uint16 { return &e.MinVersion }, "1.2 or 1.3", version)},
		{"hsts", set(func(e *tlsEntry) *time.Duration { return &e.HSTS }, "off, or a time from 1m to 3660d, such as 180d", hsts)},
		{"redirect_from", readRedirectFrom},
		{"client_ca", readPEM(func(e *tlsEntry) (*string, **yaml.Node) { return &e.ClientCA, &e.ca })},
		{"client_auth", choice(func(e *tlsEntry) *string { return &e.ClientAuth }, "request", "require")},
	}
}

func version(s string) (v uint16, ok bool) {
	v = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[s]
	return v, v != 0
}

// hsts reads a duration that may be in days, or off.
func hsts(s string) (time.Duration, bool) {
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
	if err == nil && strings.HasPrefix(s, unixPrefix) {
		err = errors.New("want HOST:PORT; who comes by a unix socket is on this machine already")
	}
	if err != nil {
		d.bad(n, "%s: %v, got %s", key, err, show(n))
		return
	}
	to.RedirectFrom = s
}

// readTLS reads the files' names, and whether the files are good.
func readTLS(d *decoder, key string, n *yaml.Node, to *Config) {
	var e tlsEntry
	found := len(d.problems)
	given := decode(d, key, n, tlsFields(), &e)
	if len(given) == 0 {
		return
	}
	d.checkSource(key, n, given, &e)
	d.checkClients(given, &e)
	if len(d.problems) > found {
		return
	}
	to.TLS = &e.TLS
	if e.SelfSigned || e.ACME != nil {
		return
	}
	_, err := e.Files.Load()
	var m *certificate.Mistake
	switch {
	case err == nil:
	case errors.As(err, &m) && m.OfKey:
		d.bad(e.key, "key: %v", err)
	default:
		d.bad(e.shown, "certificate: %v", err)
	}
}

// checkSource holds the section to one certificate.
func (d *decoder) checkSource(key string, n *yaml.Node, given map[string]*yaml.Node, e *tlsEntry) {
	if e.SelfSigned || given["acme"] != nil {
		one := "acme"
		if e.SelfSigned {
			one = "self_signed"
		}
		for _, other := range []string{"certificate", "key", "acme"} {
			if at := given[other]; at != nil && other != one {
				d.bad(at, "%s: there is %s, which sees to the certificate; want one or the other", other, one)
			}
		}
		return
	}
	for _, need := range []struct{ key, what string }{
		{"certificate", "a PEM file with the server's certificate"}, {"key", "a PEM file with the certificate's private key"},
	} {
		if given[need.key] == nil {
			d.bad(n, "%s: has no %s; want %s", key, need.key, need.what)
		}
	}
}

// checkClients reads who vouches for clients.
func (d *decoder) checkClients(given map[string]*yaml.Node, e *tlsEntry) {
	switch {
	case given["client_ca"] == nil && given["client_auth"] != nil:
		d.bad(given["client_auth"], "client_auth: needs client_ca, a PEM file with the certificates of those who vouch for clients")
	case e.ClientCA == "":
	default:
		if e.ClientAuth == "" {
			e.ClientAuth = "require"
		}
		if _, err := certificate.Authorities(e.ClientCA); err != nil {
			d.bad(e.ca, "client_ca: %v", err)
		}
	}
}

// readPEM makes a reader of a file's name.
func readPEM(at func(*tlsEntry) (*string, **yaml.Node)) func(*decoder, string, *yaml.Node, *tlsEntry) {
	return func(d *decoder, key string, n *yaml.Node, to *tlsEntry) {
		if path, ok := d.line(key, n, "a path"); ok {
			file, value := at(to)
			*file, *value = d.path(path), n
		}
	}
}

// path is relative to the configuration's folder.
func (d *decoder) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(d.dir, p)
}
