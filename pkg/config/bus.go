package config

import (
	"errors"
	"net/url"
	"strings"

	"camd/pkg/certificate"

	"go.yaml.in/yaml/v3"
)

// Bus says over which NATS servers camds share cameras.
type Bus struct {
	Servers     []string // nats://host:port or tls://host:port
	Credentials string   // a .creds file; read for each connection, like NKey
	NKey        string   // a file with an NKey's seed
	User        string
	Password    Secret
	Token       Secret
	CA          string             // PEM file with the CAs of the servers; empty means those of the system
	Client      *certificate.Files // the certificate that camd presents to servers; nil means none
	Prefix      string             // what subjects begin with
	Relay       bool               // serve other sites' cameras although there are own ones
	MaxSites    int                // how many other sites a relay keeps; 0 is the default of the bus
	MaxCameras  int                // how many cameras of other sites a relay keeps; 0 is the default of the bus

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

// busEntry is the section bus as the file has it.
type busEntry struct {
	Bus
	password, token string
	client          certificate.Files
}

func busFields() []field[busEntry] {
	return []field[busEntry]{
		{"servers", readBusServers},
		{"credentials_file", credentialFile(func(e *busEntry) *string { return &e.Credentials }, "credentials", "-----BEGIN NATS USER JWT-----")},
		{"nkey_file", credentialFile(func(e *busEntry) *string { return &e.NKey }, "an NKey's seed", "SU")},
		{"user", func(d *decoder, key string, n *yaml.Node, to *busEntry) { d.secret(key, n, &to.User) }},
		{"password", func(d *decoder, key string, n *yaml.Node, to *busEntry) { d.secret(key, n, &to.password) }},
		{"password_file", func(d *decoder, key string, n *yaml.Node, to *busEntry) { d.secretFile(key, n, &to.password) }},
		{"token_file", func(d *decoder, key string, n *yaml.Node, to *busEntry) { d.secretFile(key, n, &to.token) }},
		{"ca", caFile(func(e *busEntry) *string { return &e.CA })},
		{"certificate", filePath(func(e *busEntry) *string { return &e.client.Certificate })},
		{"key", filePath(func(e *busEntry) *string { return &e.client.Key })},
		{"prefix", scalar(func(e *busEntry) *string { return &e.Prefix }, wantSubjectPrefix, func(s string) (string, bool) { return s, isSubjectPrefix(s) })},
		{"relay", boolean(func(e *busEntry) *bool { return &e.Relay })},
		{"handshake_first", boolean(func(e *busEntry) *bool { return &e.HandshakeFirst })},
		{"max_sites", integer(func(e *busEntry) *int { return &e.MaxSites }, 1, 100_000)},
		{"max_cameras", integer(func(e *busEntry) *int { return &e.MaxCameras }, 1, 1_000_000)},
	}
}

// DefaultBusPrefix is the default beginning of all subjects.
const DefaultBusPrefix = "camd"

func readBus(d *decoder, key string, n *yaml.Node, to *Config) {
	e := busEntry{Bus: Bus{Prefix: DefaultBusPrefix}}
	given := decode(d, key, n, busFields(), &e)
	if len(given) == 0 {
		return
	}
	if given["servers"] == nil {
		d.errorf(n, "bus: has no servers; want NATS servers' addresses, such as [nats://host:4222]")
	}
	d.checkBusCredentials(given)
	d.checkBusCertificate(given, &e)
	e.Password, e.Token = Secret(e.password), Secret(e.token)
	to.Bus = &e.Bus
}

// checkBusCredentials reports kinds of credentials that exclude each other.
func (d *decoder) checkBusCredentials(given map[string]*yaml.Node) {
	password := d.passwordKey(given)
	user := given["user"]
	switch {
	case password != nil && user == nil:
		d.errorf(password, "%s: there is no user to it; add user", password.Value)
	case user != nil && password == nil:
		d.errorf(user, "user: there is no password to it; add password_file")
	}
	var first *yaml.Node
	for _, way := range []*yaml.Node{given["credentials_file"], given["nkey_file"], user, given["token_file"]} {
		switch {
		case way == nil:
		case first == nil:
			first = way
		default:
			d.errorf(laterNode(first, way), "%s and %s are both given; keep one", first.Value, way.Value)
		}
	}
}

// checkBusCertificate checks the certificate that camd presents to servers.
func (d *decoder) checkBusCertificate(given map[string]*yaml.Node, e *busEntry) {
	certificateNode, keyNode := given["certificate"], given["key"]
	switch {
	case certificateNode == nil && keyNode == nil:
		return
	case certificateNode == nil:
		d.errorf(keyNode, "key: there is no certificate to it; add certificate")
		return
	case keyNode == nil:
		d.errorf(certificateNode, "certificate: there is no key to it; add key")
		return
	case e.client.Certificate == "" || e.client.Key == "":
		return // it has been reported
	}
	_, err := e.client.Load()
	var m *certificate.FileError
	switch {
	case err == nil:
		e.Client = &e.client
	case errors.As(err, &m) && m.InKey:
		d.errorf(keyNode, "key: %v", err)
	default:
		d.errorf(certificateNode, "certificate: %v", err)
	}
}

// checkBusSite reports a camd that would publish cameras without the name of their site. given are the file's keys.
func (d *decoder) checkBusSite(cfg *Config, given map[string]*yaml.Node) {
	const want = `1 to 63 of a-z, 0-9 and "-", since cameras are published under it`
	switch {
	case cfg.Bus == nil || len(cfg.Cameras) == 0 || IsCameraID(cfg.Site):
	case given["site"] == nil:
		d.errorf(given["bus"], "bus: needs site beside it: what this camd is called, %s", want)
	default:
		d.errorf(given["site"], "site: with bus want %s", want)
	}
}

func readBusServers(d *decoder, key string, n *yaml.Node, to *busEntry) {
	const example = "[nats://host-a:4222, nats://host-b:4222]"
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		d.errorf(n, "%s: want a list such as %s", key, example)
		return
	}
	d.textList(key, n, example, func(s string, item *yaml.Node) {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Scheme != "nats" && u.Scheme != "tls" || u.Hostname() == "" || hasControl(s):
			d.errorf(item, "%s: want nats://HOST:PORT, or tls:// where there is only TLS", key)
		case u.User != nil:
			d.errorf(item, "%s: want no user or password in it; there are user, password_file, token_file and credentials_file", key)
		case u.Path == "" && u.RawQuery == "" && u.Fragment == "":
			to.Servers = append(to.Servers, s)
		default:
			d.errorf(item, "%s: want nothing behind the port", key)
		}
	})
}

// credentialFile returns a reader of the name of a credentials file. The file must contain marker; its content is not kept.
func credentialFile[T any](target func(*T) *string, what, marker string) func(*decoder, string, *yaml.Node, *T) {
	return func(d *decoder, key string, n *yaml.Node, to *T) {
		name, ok := d.singleLine(key, n, "a path")
		if !ok {
			return
		}
		path := d.resolvePath(name)
		d.nameFile(key, n, path)
		content, err := readRegularFile(path, MaxFileSize)
		switch {
		case err != nil:
			d.errorf(n, "%s: %v", key, err)
		case !strings.Contains(string(content), marker):
			d.errorf(n, "%s: %s holds no %s; want a file with %s… in it", key, path, strings.TrimPrefix(what, "an "), marker)
		default:
			*target(to) = path
		}
	}
}

// filePath returns a reader of the name of a file.
func filePath[T any](target func(*T) *string) func(*decoder, string, *yaml.Node, *T) {
	return func(d *decoder, key string, n *yaml.Node, to *T) {
		if path, ok := d.singleLine(key, n, "a path"); ok {
			*target(to) = d.resolvePath(path)
			d.nameFile(key, n, *target(to))
		}
	}
}

const wantSubjectPrefix = "1 to 8 words of letters, digits, - and _ with dots between them, such as camd or house.camd"

func isSubjectPrefix(s string) bool {
	words := strings.Split(s, ".")
	for _, word := range words {
		if word == "" || len(word) > 63 || strings.ContainsFunc(word, func(r rune) bool { return r != '_' && notInHostName(r) }) {
			return false
		}
	}
	return len(words) <= 8
}
