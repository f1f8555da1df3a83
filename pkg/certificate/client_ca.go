package certificate

import (
	"crypto/x509"
	"fmt"
)

// LoadCAs reads a PEM file with the certificates of certificate authorities.
func LoadCAs(path string) (*x509.CertPool, error) {
	text, err := readPEM(path, "CERTIFICATE", "certificate")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate that can be read", path)
	}
	return pool, nil
}
