package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readOrigins reads one origin or a list of them.
func readOrigins(d *decoder, key string, n *yaml.Node, to *Config) {
	const want = `an origin, such as http://mainsail.local, or "*" for any`
	to.AllowOrigin = nil
	d.textOrList(key, n, want, func(s string, n *yaml.Node) {
		if s != "*" && !isOrigin(s) {
			// The message does not repeat it: it may contain a password.
			d.errorf(n, "%s: want %s: nothing behind host and port, and no capitals", key, want)
			return
		}
		to.AllowOrigin = append(to.AllowOrigin, s)
	})
}

// isOrigin reports whether s has the form of an origin in a browser: scheme, host and port.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && s == strings.ToLower(u.Scheme+"://"+u.Host) &&
		!strings.ContainsAny(s, "*;,' ")
}

// readFrameAncestors reads the origins whose pages may show camd's in a frame. self is always among them, except for none.
func readFrameAncestors(d *decoder, key string, n *yaml.Node, to *Config) {
	const want = `self, none, or an origin, such as https://home.example.com`
	all := []string{}
	d.textOrList(key, n, want, func(s string, n *yaml.Node) {
		switch {
		case s != "self" && s != "none" && s != "*" && !isOrigin(s):
			d.errorf(n, "%s: want %s: nothing behind host and port, and no capitals", key, want)
			return
		case len(all) > 0 && (s == "none" || slices.Contains(all, "none")):
			d.errorf(n, "%s: none stands alone", key)
			return
		}
		all = append(all, s)
	})
	to.FrameAncestors = all
}

// readHosts reads names by which browsers may reach camd.
func readHosts(d *decoder, key string, n *yaml.Node, to *Config) {
	const want = `a host name, such as cams.example.com, *.example.com, or "*" for any`
	to.Hosts = nil
	d.textOrList(key, n, want, func(s string, n *yaml.Node) {
		name := strings.TrimPrefix(s, "*.")
		switch _, err := netip.ParseAddr(s); {
		case err == nil:
			d.errorf(n, "%s: want %s; addresses may always be used", key, want)
		case s != "*" && (name == "" || strings.ContainsFunc(name, notInHostName) || strings.HasPrefix(name, ".") || strings.Contains(name, "..")):
			d.errorf(n, "%s: want %s, without scheme and port", key, want)
		default:
			to.Hosts = append(to.Hosts, strings.ToLower(strings.TrimSuffix(s, ".")))
		}
	})
}

// textOrList reads one value or a list of them.
func (d *decoder) textOrList(key string, n *yaml.Node, want string, read func(s string, n *yaml.Node)) {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
		if len(items) == 0 {
			d.errorf(n, "%s: want %s, or leave the key out", key, want)
		}
	}
	for _, item := range items {
		if item.Kind == yaml.AliasNode {
			continue
		}
		if s, ok := d.text(key, item, want); ok {
			read(s, item)
		}
	}
}
