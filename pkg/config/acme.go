package config

import (
	"net/netip"
	"strings"

	"go.yaml.in/yaml/v3"

	"camd/pkg/certificate"
)

// ACME says which certificate authority issues the certificate.
type ACME struct {
	Domains   []string
	Email     string
	Directory string // URL of the authority's directory; empty means Let's Encrypt
	CA        string // a PEM file with the CAs of that URL's server; empty means those of the system
}

func acmeFields() []field[ACME] {
	return []field[ACME]{
		{"domains", readDomains},
		{"email", func(d *decoder, key string, n *yaml.Node, to *ACME) {
			switch s, ok := d.singleLine(key, n, "a mail address"); {
			case ok && !strings.Contains(s, "@"):
				d.errorf(n, "%s: want a mail address, such as me@example.com", key)
			case ok:
				to.Email = s
			}
		}},
		{"directory", func(d *decoder, key string, n *yaml.Node, to *ACME) {
			if u, ok := d.httpURL(key, n, false); ok {
				to.Directory = u.String()
			}
		}},
		{"ca", func(d *decoder, key string, n *yaml.Node, to *ACME) {
			if path, ok := d.singleLine(key, n, "a path"); ok {
				to.CA = d.resolvePath(path)
				d.nameFile(key, n, to.CA)
				if _, err := certificate.LoadCAs(to.CA); err != nil {
					d.errorf(n, "%s: %v", key, err)
				}
			}
		}},
	}
}

func readACME(d *decoder, key string, n *yaml.Node, to *tlsEntry) {
	to.ACME = &ACME{}
	given := decode(d, key, n, acmeFields(), to.ACME)
	if given["domains"] == nil {
		d.errorf(n, "%s: has no domains; want a list of the names that people come by, such as [cams.example.com]", key)
	}
}

func readDomains(d *decoder, key string, n *yaml.Node, to *ACME) {
	const want = "a list of the names that people come by, such as [cams.example.com]"
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		d.errorf(n, "%s: want %s, got %s", key, want, describeKind(n))
		return
	}
	for _, entry := range n.Content {
		s, ok := d.text(key, entry, "a name")
		if !ok {
			continue
		}
		name := strings.ToLower(s)
		_, notIP := netip.ParseAddr(name)
		if notIP == nil || strings.ContainsFunc(name, notInHostName) || !strings.Contains(strings.Trim(name, "."), ".") || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") {
			d.errorf(entry, "%s: want whole host names, such as cams.example.com: no wildcards and no IP addresses, got %s", key, quoteValue(entry))
			continue
		}
		to.Domains = append(to.Domains, name)
	}
}
