package config

import (
	"strings"
	"time"
)

// MQTT is a broker that gets the states of the cameras.
type MQTT struct {
	URL             string // mqtt://host:port or mqtts://host:port
	User            string
	Password        Secret
	CA              string        // PEM file with the CAs of the broker; empty means those of the system
	TopicPrefix     string        // of camd's own topics
	DiscoveryPrefix string        // beginning of Home Assistant's discovery topics; empty sends no discovery
	Snapshots       time.Duration // time between pictures; 0 sends none
	Switches        bool          // clients of the broker may switch cameras
	After           time.Duration // how long a problem must last before it is reported
}

// Webhook is an HTTP endpoint that is notified of problems of cameras.
type Webhook struct {
	URL      Secret // secret: often only the path and query keep others from sending to it
	Key      Secret // the signing key
	Events   []string
	Cameras  []string      // only these; empty means all
	After    time.Duration // how long a problem must last before it is reported
	Timeout  time.Duration // of one attempt
	RetryFor time.Duration // how long sending a notice is tried
}

// mqtt adds the password of the section mqtt, and checks what the schema cannot.
func (d *decoder) mqtt(v *value, m *MQTT) {
	if m == nil {
		return
	}
	password, passwordKey := d.password(v)
	m.Password = password
	d.checkUser(v.get("user"), passwordKey)
	if at := v.get("ca"); at != nil && strings.HasPrefix(m.URL, "mqtt:") {
		d.errorf(at.key, "ca: applies only to mqtts://; change url, or remove ca")
	}
	if m.DiscoveryPrefix == "off" {
		m.DiscoveryPrefix = ""
	}
}

// webhooks returns the entries of webhooks.
func (d *decoder) webhooks(v *value) (all []Webhook) {
	if v == nil {
		return nil
	}
	for _, entry := range v.items {
		if entry.fields == nil {
			continue
		}
		w := Webhook{}
		decode(entry.schema, entry, &w)
		secret, at := d.secret(entry, "secret", "secret_file")
		w.Key = secret
		must := entry.schema.Properties.get("secret").clause()
		switch {
		case at == nil:
			d.errorf(entry.node, "webhooks: this entry has no secret_file; its content %s", must)
		case at.name == "secret_file" && secret != "":
			key, err := parseSigningKey(string(secret))
			if err != nil {
				d.report(at, "the content of the file "+must)
			}
			w.Key, _ = key.(Secret)
		}
		if cameras := entry.get("cameras"); cameras != nil {
			for _, item := range cameras.items {
				if id, ok := item.data.(string); ok {
					d.cameraRefs = append(d.cameraRefs, cameraRef{id, item, true})
				}
			}
		}
		all = append(all, w)
	}
	return all
}
