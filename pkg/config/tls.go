package config

import (
	"errors"
	"path/filepath"

	"camd/pkg/certificate"

	"go.yaml.in/yaml/v3"
)

// tlsEntry is the section tls as the file has it.
type tlsEntry struct {
	files      certificate.Files
	shown, key *yaml.Node // the values
}

func tlsFields() []field[tlsEntry] {
	return []field[tlsEntry]{
		{"certificate", readPEM(func(e *tlsEntry) (*string, **yaml.Node) { return &e.files.Certificate, &e.shown })},
		{"key", readPEM(func(e *tlsEntry) (*string, **yaml.Node) { return &e.files.Key, &e.key })},
	}
}

// readTLS reads the files' names, and whether the files are good.
func readTLS(d *decoder, key string, n *yaml.Node, to *Config) {
	var e tlsEntry
	before := len(d.problems)
	given := decode(d, key, n, tlsFields(), &e)
	for _, need := range []struct{ key, what string }{
		{"certificate", "a PEM file with the server's certificate"}, {"key", "a PEM file with the certificate's private key"},
	} {
		if len(given) > 0 && given[need.key] == nil {
			d.bad(n, "%s: has no %s; want %s", key, need.key, need.what)
		}
	}
	if len(given) == 0 || len(d.problems) > before {
		return
	}
	to.TLS = &e.files
	_, err := e.files.Load()
	var m *certificate.Mistake
	switch {
	case err == nil:
	case errors.As(err, &m) && m.OfKey:
		d.bad(e.key, "key: %v", err)
	default:
		d.bad(e.shown, "certificate: %v", err)
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
