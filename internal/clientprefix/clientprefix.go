// Package clientprefix says which addresses count as one client, for limits per client.
package clientprefix

import "net/netip"

// ipv6Bits is what one household or machine is given.
const ipv6Bits = 64

// Of returns an IPv4 address as it is, and an IPv6 address with all of its /64. It is invalid for an invalid address, such as
// that of a client on a unix socket.
func Of(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() && !a.IsLoopback() {
		bits = ipv6Bits
	}
	p, _ := a.Prefix(bits) // the bits are in range
	return p
}
