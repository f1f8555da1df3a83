package main

import (
	"net/url"
	"os"
	"slices"
	"strings"

	"camd/pkg/config"
	"camd/pkg/httpapi"
)

// resolver says in which domains this machine looks names up.
const resolver = "/etc/resolv.conf"

// knownAs returns by which names browsers may call the camd of that configuration: those given, that of its public address, those
// in its certificate, and the machine's own.
func knownAs(cfg *config.Config) httpapi.Hosts {
	all := slices.Clone(cfg.Hosts)
	if u, err := url.Parse(cfg.PublicURL); err == nil && cfg.PublicURL != "" {
		all = append(all, strings.ToLower(u.Hostname()))
	}
	if cfg.TLS != nil {
		if c, err := cfg.TLS.Load(); err == nil && c.Leaf != nil { // it has been presented already
			for _, name := range c.Leaf.DNSNames {
				all = append(all, strings.ToLower(name))
			}
		}
	}
	host, err := os.Hostname()
	if err != nil {
		return all
	}
	file, _ := os.ReadFile(resolver) // without it there are no such domains
	return append(all, machineNames(host, string(file))...)
}

// machineNames returns what a machine is called: by itself, by mDNS, and in the domains of its network.
func machineNames(host, resolver string) (all []string) {
	host = strings.ToLower(host)
	short, _, _ := strings.Cut(host, ".")
	all = append(all, host, short, short+".local")
	for line := range strings.Lines(resolver) {
		words := strings.Fields(line)
		if len(words) > 1 && (words[0] == "search" || words[0] == "domain") {
			for _, domain := range words[1:] {
				if domain = strings.ToLower(strings.Trim(domain, ".")); domain != "" {
					all = append(all, short+"."+domain)
				}
			}
		}
	}
	return all
}

// ownOrigin is what a browser calls the origin of the configuration's public address, empty if it has none.
func ownOrigin(cfg *config.Config) string {
	u, err := url.Parse(cfg.PublicURL)
	if err != nil || cfg.PublicURL == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port()) // which a browser leaves out
	}
	return u.Scheme + "://" + host
}
