package config

import (
	"errors"
	"net/netip"

	"go.yaml.in/yaml/v3"
)

// readProxies reads addresses and networks, and unix for all clients of a unix socket.
func readProxies(d *decoder, key string, n *yaml.Node, to *authEntry) {
	d.textList(key, n, "[127.0.0.1, 10.0.0.0/8], or leave the key out to believe nobody", func(s string, item *yaml.Node) {
		p, err := parseNetwork(s)
		switch {
		case s == "unix":
			to.Proxies.Unix = true
		case err != nil:
			d.errorf(item, "%s: %v, got %s", key, err, quoteValue(item))
		default:
			to.Proxies.Networks = append(to.Proxies.Networks, p)
		}
	})
}

func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil || p.Addr().Is4In6():
		return p, errors.New("want an address or network, such as 10.0.0.0/8, or unix")
	case p.Bits() == 0:
		return p, errors.New("everybody would be believed; want the proxy's address or network")
	case p != p.Masked():
		return p, errors.New("want " + p.Masked().String() + " for the network, or " + p.Addr().String() + " for the address")
	}
	return p, nil
}
