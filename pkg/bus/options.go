package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/media"
)

// Options of a bus. URLs is required, and Site or Relay or both.
type Options struct {
	URLs    []string // nats://host:port or tls://host:port, of any servers of one cluster; without user and password
	Prefix  string   // of all subjects; empty means DefaultPrefix
	Site    string   // the name under which local cameras are published; empty publishes none. See CheckSite
	Relay   bool     // serve the cameras of other sites
	Account Account
	TLS     TLS
	Version string // of this camd, for people

	SiteLimits SiteLimits     // bound the tables of a relay
	Limits     media.Limits   // of a received picture; a larger one is dropped
	Budget     *broker.Budget // bounds the memory of the topics of all cameras together; nil means no bound

	// Changed is called after the list that Cameras returns has changed, or the renditions of one camera in it. Calls do not
	// overlap. It must not wait for the bus. May be nil.
	Changed func()
	Log     *zap.Logger // nil means none
}

// Account is how a bus logs in at the NATS server. The first way that is set is used. The zero Account connects anonymously.
type Account struct {
	Credentials    string // path of a .creds file: a user's JWT and its key
	NKey           string // path of a file with an NKey seed
	User, Password string
	Token          string
}

// redact replaces the password and the token in a text, in plain and as JSON strings.
func (a Account) redact(text string) string {
	for _, secret := range []string{a.Password, a.Token} {
		if secret == "" {
			continue
		}
		quoted, _ := json.Marshal(secret) // a string never fails
		text = strings.ReplaceAll(text, strings.Trim(string(quoted), `"`), "***")
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

// TLS says which servers a bus trusts and which certificate it presents. The files are read at each connection, so that they can
// be replaced while camd runs.
type TLS struct {
	CA               string // path of PEM certificates; empty means the system's
	Certificate, Key string // paths of the client certificate and its key; empty means none
	First            bool   // for servers with handshake_first
}

// validated returns the options with their defaults. Its error says which option is wrong.
func (o Options) validated() (Options, error) {
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	o.SiteLimits = o.SiteLimits.orDefault()
	if err := CheckPrefix(o.Prefix); err != nil {
		return o, fmt.Errorf("prefix: %w", err)
	}
	if o.Site == "" && !o.Relay {
		return o, errors.New("must have a site for its own cameras, or relay those of other sites")
	}
	if o.Site != "" {
		if err := CheckSite(o.Site); err != nil {
			return o, fmt.Errorf("site: %w", err)
		}
	}
	if len(o.URLs) == 0 {
		return o, errors.New("must have a server, such as nats://host:4222 or tls://host:4222")
	}
	for _, address := range o.URLs {
		if err := CheckURL(address); err != nil {
			return o, err
		}
	}
	return o, nil
}

// CheckURL returns what is wrong with a server's address, or nil. The error does not repeat what may be a password.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("must be an address such as nats://host:4222 or tls://host:4222")
	case u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss":
		return fmt.Errorf("scheme must be nats or tls, is %q", u.Scheme)
	case u.User != nil:
		return errors.New("must have no user or password in the address")
	case u.Hostname() == "" || u.Path != "" && u.Path != "/":
		return errors.New("must be a host without a path, such as nats://host:4222")
	}
	return nil
}

// natsOptions returns the library's options for the account and TLS.
func (o Options) natsOptions() ([]nats.Option, error) {
	var opts []nats.Option
	a := o.Account
	switch {
	case a.Credentials != "":
		opts = append(opts, nats.UserCredentials(a.Credentials))
	case a.NKey != "":
		key, err := nats.NkeyOptionFromSeed(a.NKey)
		if err != nil {
			return nil, fmt.Errorf("nkey: %w", err)
		}
		opts = append(opts, key)
	case a.User != "":
		opts = append(opts, nats.UserInfo(a.User, a.Password))
	case a.Token != "":
		opts = append(opts, nats.Token(a.Token))
	}
	if o.TLS.CA != "" {
		opts = append(opts, nats.RootCAs(o.TLS.CA))
	}
	if o.TLS.Certificate != "" {
		opts = append(opts, nats.ClientCert(o.TLS.Certificate, o.TLS.Key))
	}
	if o.TLS.First {
		opts = append(opts, nats.TLSHandshakeFirst())
	}
	return opts, nil
}
