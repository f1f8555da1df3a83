package config

import (
	"errors"
	"net/url"
	"strings"

	"camd/pkg/certificate"

	"go.yaml.in/yaml/v3"
)

// Bus is the NATS servers by which camds share cameras.
type Bus struct {
	Servers     []string // nats://host:port or tls://host:port
	Credentials string   // a .creds file; read at each connection, as is NKey
	NKey        string   // a file with an NKey's seed
	User        string
	Password    Secret
	Token       Secret
	CA          string             // PEM file with who vouches for the servers; empty: the system's
	Client      *certificate.Files // who camd is, for servers that ask; nil: it does not say
	Prefix      string             // what subjects begin with
	Relay       bool               // show other sites' cameras though there are own ones
	MaxSites    int                // other sites that a relay keeps; 0 is the bus's default
	MaxCameras  int                // cameras of other sites that a relay keeps; 0 is the bus's default

	HandshakeFirst bool // servers that want TLS before they say anything
}

// IsRelay says whether camd shows other sites' cameras.
func (c *Config) IsRelay() bool { return c.Bus != nil && (c.Bus.Relay || len(c.Cameras) == 0) }

// MayShow says whether id can be that of another site's camera, such as north.yard, and those are shown. Which there are is not
// known before camd runs.
func (c *Config) MayShow(id string) bool {
	site, camera, _ := strings.Cut(id, ".")
	own := len(c.Cameras) > 0 && site == c.Site
	return c.IsRelay() && !own && isID(site) && isID(camera)
}

// busEntry is the section bus as the file has it.
type busEntry struct {
	Bus
	password, token string
	client          certificate.Files
}

func busFields() []field[busEntry] {
	return []field[busEntry]{
		{"servers", readServers},
		{"credentials_file", keyFile(func(e *busEntry) *string { return &e.Credentials }, "credentials", "-----BEGIN NATS USER JWT-----")},
		{"nkey_file", keyFile(func(e *busEntry) *string { return &e.NKey }, "an NKey's seed", "SU")},
		{"user", func(d *decoder, key string, n *yaml.Node, to *busEntry) { d.secret(key, n, &to.User) }},
		{"password", func(d *decoder, key string, n *yaml.Node, to *busEntry) { d.secret(key, n, &to.password) }},
		{"password_file", func(d *decoder, key string, n *yaml.Node, to *busEntry) { d.secretFile(key, n, &to.password) }},
		{"token_file", func(d *decoder, key string, n *yaml.Node, to *busEntry) { d.secretFile(key, n, &to.token) }},
		{"ca", vouchers(func(e *busEntry) *string { return &e.CA })},
		{"certificate", pathOf(func(e *busEntry) *string { return &e.client.Certificate })},
		{"key", pathOf(func(e *busEntry) *string { return &e.client.Key })},
		{"prefix", set(func(e *busEntry) *string { return &e.Prefix }, wantPrefix, func(s string) (string, bool) { return s, isPrefix(s) })},
		{"relay", flag(func(e *busEntry) *bool { return &e.Relay })},
		{"handshake_first", flag(func(e *busEntry) *bool { return &e.HandshakeFirst })},
		{"max_sites", whole(func(e *busEntry) *int { return &e.MaxSites }, 1, 100_000)},
		{"max_cameras", whole(func(e *busEntry) *int { return &e.MaxCameras }, 1, 1_000_000)},
	}
}

// DefaultPrefix is what subjects begin with where nothing else is said.
const DefaultPrefix = "camd"

func readBus(d *decoder, key string, n *yaml.Node, to *Config) {
	e := busEntry{Bus: Bus{Prefix: DefaultPrefix}}
	given := decode(d, key, n, busFields(), &e)
	if len(given) == 0 {
		return
	}
	if given["servers"] == nil {
		d.bad(n, "bus: has no servers; want NATS servers' addresses, such as [nats://host:4222]")
	}
	d.checkIdentity(given)
	d.checkClient(given, &e)
	e.Password, e.Token = Secret(e.password), Secret(e.token)
	to.Bus = &e.Bus
}

// checkIdentity reports ways of saying who camd is that exclude each other.
func (d *decoder) checkIdentity(given map[string]*yaml.Node) {
	password := given["password"]
	if file := given["password_file"]; file != nil {
		if password != nil {
			d.bad(later(password, file), "password and password_file are both given; keep one")
		}
		password = file
	}
	user := given["user"]
	switch {
	case password != nil && user == nil:
		d.bad(password, "%s: there is no user to it; add user", password.Value)
	case user != nil && password == nil:
		d.bad(user, "user: there is no password to it; add password_file")
	}
	var first *yaml.Node
	for _, way := range []*yaml.Node{given["credentials_file"], given["nkey_file"], user, given["token_file"]} {
		switch {
		case way == nil:
		case first == nil:
			first = way
		default:
			d.bad(later(first, way), "%s and %s are both given; keep one", first.Value, way.Value)
		}
	}
}

// checkClient looks at the certificate that camd shows to servers.
func (d *decoder) checkClient(given map[string]*yaml.Node, e *busEntry) {
	shown, key := given["certificate"], given["key"]
	switch {
	case shown == nil && key == nil:
		return
	case shown == nil:
		d.bad(key, "key: there is no certificate to it; add certificate")
		return
	case key == nil:
		d.bad(shown, "certificate: there is no key to it; add key")
		return
	case e.client.Certificate == "" || e.client.Key == "":
		return // it has been reported
	}
	_, err := e.client.Load()
	var m *certificate.Mistake
	switch {
	case err == nil:
		e.Client = &e.client
	case errors.As(err, &m) && m.OfKey:
		d.bad(key, "key: %v", err)
	default:
		d.bad(shown, "certificate: %v", err)
	}
}

// checkSite reports a camd that would publish cameras without a name for where they are. given are the file's keys.
func (d *decoder) checkSite(cfg *Config, given map[string]*yaml.Node) {
	const want = `1 to 63 of a-z, 0-9 and "-", since cameras are published under it`
	switch {
	case cfg.Bus == nil || len(cfg.Cameras) == 0 || isID(cfg.Site):
	case given["site"] == nil:
		d.bad(given["bus"], "bus: needs site beside it: what this camd is called, %s", want)
	default:
		d.bad(given["site"], "site: with bus want %s", want)
	}
}

func readServers(d *decoder, key string, n *yaml.Node, to *busEntry) {
	const example = "[nats://host-a:4222, nats://host-b:4222]"
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		d.bad(n, "%s: want a list such as %s", key, example)
		return
	}
	d.texts(key, n, example, func(s string, item *yaml.Node) {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Scheme != "nats" && u.Scheme != "tls" || u.Hostname() == "" || hasControl(s):
			d.bad(item, "%s: want nats://HOST:PORT, or tls:// where there is only TLS", key)
		case u.User != nil:
			d.bad(item, "%s: want no user or password in it; there are user, password_file, token_file and credentials_file", key)
		case u.Path == "" && u.RawQuery == "" && u.Fragment == "":
			to.Servers = append(to.Servers, s)
		default:
			d.bad(item, "%s: want nothing behind the port", key)
		}
	})
}

// keyFile makes a reader of the name of a file that proves who camd is. It must have begin in it, and is not kept.
func keyFile[T any](at func(*T) *string, what, begin string) func(*decoder, string, *yaml.Node, *T) {
	return func(d *decoder, key string, n *yaml.Node, to *T) {
		name, ok := d.line(key, n, "a path")
		if !ok {
			return
		}
		path := d.path(name)
		held, err := regular(path, MaxFile)
		switch {
		case err != nil:
			d.bad(n, "%s: %v", key, err)
		case !strings.Contains(string(held), begin):
			d.bad(n, "%s: %s holds no %s; want a file with %s… in it", key, path, strings.TrimPrefix(what, "an "), begin)
		default:
			*at(to) = path
		}
	}
}

// pathOf makes a reader of a file's name.
func pathOf[T any](at func(*T) *string) func(*decoder, string, *yaml.Node, *T) {
	return func(d *decoder, key string, n *yaml.Node, to *T) {
		if path, ok := d.line(key, n, "a path"); ok {
			*at(to) = d.path(path)
		}
	}
}

const wantPrefix = "1 to 8 words of letters, digits, - and _ with dots between them, such as camd or house.camd"

func isPrefix(s string) bool {
	words := strings.Split(s, ".")
	for _, word := range words {
		if word == "" || len(word) > 63 || strings.ContainsFunc(word, func(r rune) bool { return r != '_' && notInHostName(r) }) {
			return false
		}
	}
	return len(words) <= 8
}
