package daemon

import (
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"camd/internal/configfile"
	"camd/internal/statedir"
	"camd/pkg/config"
	"camd/pkg/httpapi"
)

// resolvConf is the file with the domains in which this machine looks up names.
const resolvConf = "/etc/resolv.conf"

// acceptedHosts returns the names by which browsers may reach the camd of a configuration: the configured names, the name in its public URL,
// the names in its certificate, and the names of the machine.
func acceptedHosts(cfg *config.Config) httpapi.AllowedHosts {
	all := slices.Clone(cfg.Hosts)
	if host := publicHost(cfg); host != "" {
		all = append(all, strings.ToLower(host))
	}
	if cfg.TLS != nil {
		if cfg.TLS.ACME != nil {
			all = append(all, cfg.TLS.ACME.Domains...)
		}
		if c, err := configfile.CertificateFiles(cfg.TLS, statedir.Path(cfg.StateDir)).Load(); err == nil && c.Leaf != nil { // on an error it is not served either
			for _, name := range c.Leaf.DNSNames {
				all = append(all, strings.ToLower(name))
			}
		}
	}
	host, err := os.Hostname()
	if err != nil {
		return all
	}
	file, _ := os.ReadFile(resolvConf) // without it there are no such domains
	return append(all, machineNames(host, string(file))...)
}

// machineNames returns the names of a machine: its host name, its mDNS name, and its names in the domains of its network.
func machineNames(host, conf string) (all []string) {
	host = strings.ToLower(host)
	short, _, _ := strings.Cut(host, ".")
	all = append(all, host, short, short+".local")
	for line := range strings.Lines(conf) {
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

// publicOrigin returns the origin of the public URL as browsers write it; empty without one.
func publicOrigin(cfg *config.Config) string {
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

// certificateNames returns the names and addresses of this machine, its host name first, and those of them that are configured.
func certificateNames(cfg *config.Config) (names, configured []string) {
	if name, err := os.Hostname(); err == nil && name != "" {
		names = append(names, name)
	}
	if host := publicHost(cfg); host != "" {
		configured = append(configured, host)
	}
	names = append(append(names, configured...), "localhost")
	addresses, _ := net.InterfaceAddrs() // a machine without any has loopback's in its certificate
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			names = append(names, n.IP.String())
		}
	}
	names = append(names, "127.0.0.1", "::1")
	seen := map[string]bool{}
	return slices.DeleteFunc(names, func(n string) bool {
		again := seen[n]
		seen[n] = true
		return again
	}), configured
}

// publicHost returns the name in public_url, empty if there is none.
func publicHost(cfg *config.Config) string {
	u, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
