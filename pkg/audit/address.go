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

// Of an address so many bits are written when it is to be short: in both worlds what a provider gives to many, or to a site.
const shortV4, shortV6 = 24, 48

// redact returns what may be written of an address; what is none is written as it is, unless nothing may be.
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
