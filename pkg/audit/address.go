package audit

import "net/netip"

// Addresses is how much of an address is written.
type Addresses string

// The choices.
const (
	Full  Addresses = "full"
	Short Addresses = "short" // the network alone: 192.0.2.0/24, 2001:db8::/48
	None  Addresses = "none"
)

// How many bits of an IPv4 and an IPv6 address Short leaves. Many customers of a provider, or a whole site, share such a network.
const shortV4, shortV6 = 24, 48

// redact returns what to write of an address. With Full and Short, a text that is not an IP address is returned unchanged.
func (a Addresses) redact(address string) string {
	switch a {
	case None:
		return ""
	case Short:
		addr, err := netip.ParseAddr(address)
		if err != nil {
			return address
		}
		addr, bits := addr.Unmap().WithZone(""), shortV6
		if addr.Is4() {
			bits = shortV4
		}
		network, _ := addr.Prefix(bits) // it has more bits than that
		return network.String()
	}
	return address
}
