package main

import (
	"net"
	"net/url"
	"os"
	"slices"

	"camd/pkg/config"
)

// ownNames lists what this machine is reached by, its host name first, and those of them that people have configured.
func ownNames(cfg *config.Config) (names, configured []string) {
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

// publicHost is the name in public_url, empty if there is none.
func publicHost(cfg *config.Config) string {
	u, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
