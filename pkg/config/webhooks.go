package config

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"camd/pkg/notify"

	"go.yaml.in/yaml/v3"
)

// Webhook is an HTTP endpoint that is notified of problems of cameras.
type Webhook struct {
	URL     Secret // secret: often only the path and query keep others from sending to it
	Key     Secret // the signing key
	Events  []notify.Condition
	Cameras []string      // only these; empty means all
	After   time.Duration // how long a problem must last before it is reported
	Timeout time.Duration // of one attempt
	GiveUp  time.Duration // how long sending a notice is tried
}

// webhookEntry is a webhook as the file has it.
type webhookEntry struct {
	Webhook
	secret string
}

func webhookFields() []field[webhookEntry] {
	return []field[webhookEntry]{
		{"url", readWebhookURL},
		{"secret", func(d *decoder, key string, n *yaml.Node, to *webhookEntry) { d.secret(key, n, &to.secret) }},
		{"secret_file", func(d *decoder, key string, n *yaml.Node, to *webhookEntry) { d.secretFile(key, n, &to.secret) }},
		{"events", readEvents},
		{"cameras", readWebhookCameras},
		{"after", duration(func(e *webhookEntry) *time.Duration { return &e.After }, 0, 24*time.Hour)},
		{"timeout", duration(func(e *webhookEntry) *time.Duration { return &e.Timeout }, 100*time.Millisecond, 5*time.Minute)},
		{"give_up", duration(func(e *webhookEntry) *time.Duration { return &e.GiveUp }, time.Second, 7*24*time.Hour)},
	}
}

func readWebhooks(d *decoder, key string, n *yaml.Node, to *Config) {
	d.eachEntry(key, n, "url", "a url and a secret_file", func(entry *yaml.Node) { to.Webhooks = append(to.Webhooks, d.webhook(entry)) })
}

// webhook reads an entry of webhooks.
func (d *decoder) webhook(n *yaml.Node) Webhook {
	e := webhookEntry{Webhook: Webhook{After: defaultAlertDelay, Timeout: 10 * time.Second, GiveUp: time.Hour}}
	given := decode(d, "webhooks", n, webhookFields(), &e)
	if n.Kind != yaml.MappingNode {
		return e.Webhook
	}
	if given["url"] == nil {
		d.errorf(n, "this webhook has no url")
	}
	at, file := given["secret"], given["secret_file"]
	switch {
	case at != nil && file != nil:
		d.errorf(laterNode(at, file), "secret and secret_file are both given; keep one")
		return e.Webhook
	case at == nil && file == nil:
		d.errorf(n, "this webhook has no secret_file; want a file with %s", wantSigningKey)
		return e.Webhook
	case at == nil:
		at = file
	}
	if e.secret == "" {
		return e.Webhook // it was read, and that has been reported
	}
	signing, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(e.secret, "whsec_"))
	if err != nil || len(signing) < 24 || len(signing) > 64 {
		d.errorf(at, "%s: want %s", at.Value, wantSigningKey)
	}
	e.Key = Secret(signing)
	return e.Webhook
}

// wantSigningKey describes a signing key of the Standard Webhooks form.
const wantSigningKey = `24 to 64 random bytes in base64, as "openssl rand -base64 32" makes them, with or without whsec_ before them`

// httpURL reads an http:// or https:// address, which no message repeats.
func (d *decoder) httpURL(key string, n *yaml.Node, query bool) (*url.URL, bool) {
	want := "an address such as https://host/path"
	s, ok := d.text(key, n, want)
	if !ok {
		return nil, false
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || hasControl(s):
		d.errorf(n, "%s: want %s, with http:// or https:// before it", key, want)
	case u.User != nil:
		d.errorf(n, "%s: want no user or password in it", key)
	case u.Fragment != "" || !query && (u.RawQuery != "" || u.ForceQuery):
		d.errorf(n, "%s: want nothing behind the path", key)
	default:
		return u, true
	}
	return nil, false
}

func readWebhookURL(d *decoder, key string, n *yaml.Node, to *webhookEntry) {
	if u, ok := d.httpURL(key, n, true); ok {
		to.URL = Secret(u.String())
	}
}

// textList reads a list of single values.
func (d *decoder) textList(key string, n *yaml.Node, want string, read func(s string, n *yaml.Node)) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		d.errorf(n, "%s: want a list such as %s", key, want)
		return
	}
	for _, item := range n.Content {
		if item.Kind == yaml.AliasNode {
			continue
		}
		if s, ok := d.text(key, item, "a name"); ok {
			read(s, item)
		}
	}
}

func readEvents(d *decoder, key string, n *yaml.Node, to *webhookEntry) {
	d.textList(key, n, "[trouble, well], or leave the key out for all", func(s string, item *yaml.Node) {
		if !slices.Contains(notify.Conditions, notify.Condition(s)) {
			d.errorf(item, "%s: want trouble, well or paused, got %s", key, quoteValue(item))
			return
		}
		to.Events = append(to.Events, notify.Condition(s))
	})
}

func readWebhookCameras(d *decoder, key string, n *yaml.Node, to *webhookEntry) {
	d.textList(key, n, "[yard, hall], or leave the key out for all", func(s string, item *yaml.Node) {
		to.Cameras = append(to.Cameras, s)
		d.cameraRefs = append(d.cameraRefs, cameraRef{id: s, key: key, node: item, localOnly: true})
	})
}

// cameraRef is a reference to a camera's id.
type cameraRef struct {
	id, key   string
	node      *yaml.Node
	file      string // that has it; empty: the configuration
	localOnly bool   // it must be one of this camd's own
}

// checkCameraRefs reports references to cameras that do not exist.
func (d *decoder) checkCameraRefs(cfg *Config) {
	ids := make([]string, len(cfg.Cameras))
	known := make(map[string]bool, len(cfg.Cameras))
	for i, c := range cfg.Cameras {
		ids[i], known[c.ID] = c.ID, true
	}
	for _, ref := range d.cameraRefs {
		if known[ref.id] || !ref.localOnly && cfg.CanBeRemoteCamera(ref.id) {
			continue
		}
		suggestion := ""
		if !d.isFull() {
			if near := nearestKey(ref.id, ids); near != "" {
				suggestion = fmt.Sprintf("; did you mean %q?", near)
			}
		}
		d.problems = append(d.problems, Problem{cmp.Or(ref.file, d.file), ref.node.Line, ref.node.Column, fmt.Sprintf("%s: there is no camera %s%s", ref.key, quoteValue(ref.node), suggestion)})
	}
}
