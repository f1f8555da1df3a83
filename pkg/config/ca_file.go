package config

import (
	"crypto/x509"
	"errors"

	"go.yaml.in/yaml/v3"
)

// caFile returns a reader of the path of a CA file.
func caFile[T any](target func(*T) *string) func(*decoder, string, *yaml.Node, *T) {
	return func(d *decoder, key string, n *yaml.Node, to *T) {
		path, ok := d.text(key, n, "a path")
		if !ok {
			return
		}
		d.nameFile(key, n, d.resolvePath(path))
		if _, err := ReadCA(d.resolvePath(path)); err != nil {
			d.errorf(n, "%s: %v", key, err)
			return
		}
		*target(to) = d.resolvePath(path)
	}
}

// ReadCA reads a PEM file with the certificates of certificate authorities.
func ReadCA(path string) (*x509.CertPool, error) {
	b, err := readRegularFile(path, MaxFileSize)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, errors.New(path + " holds no certificate; want PEM, with -----BEGIN CERTIFICATE-----")
	}
	return pool, nil
}
