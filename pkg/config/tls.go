package config

import "time"

// TLS says how connections are encrypted: with a certificate from files, one that camd generates, or one of a certificate authority.
type TLS struct {
	Certificate, Key string // PEM files; empty with SelfSigned or ACME
	SelfSigned       bool
	ACME             *ACME         // nil without
	MinVersion       uint16        // as in crypto/tls
	ClientCA         string        // a PEM file with the CAs of client certificates; empty asks clients for none
	ClientAuth       string        // request or require; with ClientCA
	HSTS             time.Duration // how long browsers must use only HTTPS (Strict-Transport-Security); 0 sends no such header
	RedirectFrom     string        // an address that redirects to HTTPS; empty: none
}

// ACME says which certificate authority issues the certificate.
type ACME struct {
	Domains   []string
	Email     string
	Directory string // URL of the authority's directory; empty means Let's Encrypt
	CA        string // a PEM file with the CAs of that URL's server; empty means those of the system
}

// Scheme returns the scheme of camd's URLs.
func (c *Config) Scheme() string {
	if c.TLS == nil {
		return "http"
	}
	return "https"
}

// checkTLS holds the section to one certificate, and client_auth to client_ca.
func (d *decoder) checkTLS(v *value, t *TLS) *TLS {
	if v == nil || !v.hasKnownKey() {
		return nil
	}
	switch one, keys := v.get("self_signed"), []string{"certificate", "key", "acme"}; {
	case t.SelfSigned:
		d.excludes(v, one, keys...)
	case one != nil && one.bad: // whether it is true is not known
	case v.get("acme") != nil:
		d.excludes(v, v.get("acme"), keys[:2]...)
	default:
		for _, key := range keys[:2] {
			if v.get(key) == nil {
				d.errorf(v.node, "tls: the section has no %s; add the path of a PEM file, or set self_signed or acme", key)
			}
		}
	}
	if at := v.get("client_auth"); at != nil && v.get("client_ca") == nil {
		d.errorf(at.key, "client_auth: needs client_ca, a PEM file with the CA certificates for client certificates; add it")
	}
	if t != nil && t.ClientCA != "" && t.ClientAuth == "" {
		t.ClientAuth = "require"
	}
	return t
}

// excludes reports keys that must not be beside another, because both give the certificate.
func (d *decoder) excludes(section, one *value, others ...string) {
	for _, other := range others {
		if at := section.get(other); at != nil {
			d.errorf(at.key, "%s: conflicts with %s, which provides the certificate; remove one of them", other, one.key.Value)
		}
	}
}
