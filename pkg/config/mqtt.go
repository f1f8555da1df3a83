package config

import (
	"net"
	"net/url"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// defaultAlertDelay is how long a problem must last before it is reported. A camera that is only reopened is back before.
const defaultAlertDelay = 10 * time.Second

// MQTT is a broker that gets the states of the cameras.
type MQTT struct {
	Broker          string // mqtt://host:port or mqtts://host:port
	User            string
	Password        Secret
	CA              string        // PEM file with the CAs of the broker; empty means those of the system
	TopicPrefix     string        // of camd's own topics
	DiscoveryPrefix string        // beginning of Home Assistant's discovery topics; empty sends no discovery
	Snapshots       time.Duration // time between pictures; 0 sends none
	Switches        bool          // clients of the broker may switch cameras
	After           time.Duration // how long a problem must last before it is reported
}

// mqttEntry is the section mqtt as the file has it.
type mqttEntry struct {
	MQTT
	password string
}

func mqttFields() []field[mqttEntry] {
	return []field[mqttEntry]{
		{"url", readBroker},
		{"user", func(d *decoder, key string, n *yaml.Node, to *mqttEntry) { d.secret(key, n, &to.User) }},
		{"password", func(d *decoder, key string, n *yaml.Node, to *mqttEntry) { d.secret(key, n, &to.password) }},
		{"password_file", func(d *decoder, key string, n *yaml.Node, to *mqttEntry) { d.secretFile(key, n, &to.password) }},
		{"ca", caFile(func(e *mqttEntry) *string { return &e.CA })},
		{"topic_prefix", topicPrefix(func(e *mqttEntry) *string { return &e.TopicPrefix }, false)},
		{"discovery_prefix", topicPrefix(func(e *mqttEntry) *string { return &e.DiscoveryPrefix }, true)},
		{"snapshots", durationOrOff(func(e *mqttEntry) *time.Duration { return &e.Snapshots }, time.Second, 24*time.Hour)},
		{"switches", boolean(func(e *mqttEntry) *bool { return &e.Switches })},
		{"after", duration(func(e *mqttEntry) *time.Duration { return &e.After }, 0, 24*time.Hour)},
	}
}

func readMQTT(d *decoder, key string, n *yaml.Node, to *Config) {
	e := mqttEntry{MQTT: MQTT{TopicPrefix: "camd", DiscoveryPrefix: "homeassistant", After: defaultAlertDelay}}
	given := decode(d, key, n, mqttFields(), &e)
	if len(given) == 0 {
		return
	}
	if given["url"] == nil {
		d.errorf(n, "mqtt: has no url; want the broker's, such as mqtt://host:1883")
	}
	password := d.passwordKey(given)
	if password != nil && given["user"] == nil {
		d.errorf(password, "%s: there is no user to it; add user", password.Value)
	}
	if at := given["ca"]; at != nil && strings.HasPrefix(e.Broker, "mqtt:") {
		d.errorf(at, "ca: makes no sense for mqtt://, which is not encrypted; want mqtts:// as the url")
	}
	e.Password = Secret(e.password)
	to.MQTT = &e.MQTT
}

func readBroker(d *decoder, key string, n *yaml.Node, to *mqttEntry) {
	want := "mqtt://HOST:PORT, or mqtts:// with TLS"
	s, ok := d.text(key, n, want)
	if !ok {
		return
	}
	u, err := url.Parse(s)
	ports := map[string]string{"mqtt": "1883", "mqtts": "8883"}
	switch {
	case err != nil || ports[u.Scheme] == "" || u.Hostname() == "" || hasControl(s):
		d.errorf(n, "%s: want %s", key, want)
	case u.User != nil:
		d.errorf(n, "%s: want no user or password in it; there are user and password_file", key)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		d.errorf(n, "%s: want %s, and nothing behind it", key, want)
	case u.Port() == "":
		to.Broker = u.Scheme + "://" + net.JoinHostPort(u.Hostname(), ports[u.Scheme])
	default:
		to.Broker = u.Scheme + "://" + u.Host
	}
}

// topicPrefix returns a reader of the beginning of topics. With mayBeOff, off is an empty one.
func topicPrefix(target func(*mqttEntry) *string, mayBeOff bool) func(*decoder, string, *yaml.Node, *mqttEntry) {
	want := "1 to 100 letters of a topic such as camd or house/camd, without +, # and / at either end"
	if mayBeOff {
		want = "off, or " + want
	}
	return scalar(target, want, func(s string) (string, bool) {
		if mayBeOff && s == "off" {
			return "", true
		}
		bad := s == "" || len(s) > 100 || strings.ContainsAny(s, "+#") || hasControl(s) || strings.HasPrefix(s, "$") ||
			strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") || strings.Contains(s, "//")
		return s, !bad
	})
}
