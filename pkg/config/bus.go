package config

import "strings"

// Bus says over which NATS servers camds share cameras.
type Bus struct {
	Servers          []string // nats://host:port or tls://host:port
	CredentialsFile  string   // a .creds file; read for each connection, like NKeyFile
	NKeyFile         string   // a file with an NKey's seed
	User             string
	Password         Secret
	Token            Secret
	CA               string // PEM file with the CAs of the servers; empty means those of the system
	Certificate, Key string // PEM files of the certificate that camd presents to servers; empty: none
	Prefix           string // what subjects begin with
	Relay            bool   // serve other sites' cameras although there are own ones
	MaxSites         int    // how many other sites a relay keeps
	MaxCameras       int    // how many cameras of other sites a relay keeps

	HandshakeFirst bool // the servers expect the TLS handshake first
}

// IsRelay reports whether camd serves other sites' cameras.
func (c *Config) IsRelay() bool { return c.Bus != nil && (c.Bus.Relay || len(c.Cameras) == 0) }

// CanBeRemoteCamera reports whether camd serves other sites' cameras and id has the form of one, such as north.yard. Which of them exist
// is known only while camd runs.
func (c *Config) CanBeRemoteCamera(id string) bool {
	site, camera, _ := strings.Cut(id, ".")
	own := len(c.Cameras) > 0 && site == c.Site
	return c.IsRelay() && !own && IsCameraID(site) && IsCameraID(camera)
}

// bus adds the secrets of the section bus, and checks what excludes each other.
func (d *decoder) bus(v *value, b *Bus) {
	if b == nil {
		return
	}
	password, passwordKey := d.password(v)
	b.Password, b.Token = password, d.secretFile(v.get("token_file"))
	user := v.get("user")
	d.checkUser(user, passwordKey)
	if user != nil && passwordKey == nil {
		d.errorf(user.key, "user: has no password; add password_file")
	}
	var first *value
	for _, way := range []*value{v.get("credentials_file"), v.get("nkey_file"), user, v.get("token_file")} {
		switch {
		case way == nil:
		case first == nil:
			first = way
		default:
			d.bothGiven(first, way)
		}
	}
	certificate, key := v.get("certificate"), v.get("key")
	if certificate != nil && key == nil {
		d.errorf(certificate.key, "certificate: has no key; add key")
	}
	if key != nil && certificate == nil {
		d.errorf(key.key, "key: has no certificate; add certificate")
	}
}

// checkBusSite reports a camd that would publish cameras without the name of their site.
func (d *decoder) checkBusSite(root *value, c *Config) {
	const must = `must be 1 to 63 of a-z, 0-9 and "-", because bus publishes the cameras under it`
	switch site := root.get("site"); {
	case root.get("bus") == nil || len(c.Cameras) == 0 || IsCameraID(c.Site) || site != nil && site.bad:
	case site == nil:
		d.errorf(root.get("bus").key, "bus: needs site, the name of this camd; it %s", must)
	default:
		d.errorf(site.key, "site: %s", must)
	}
}
