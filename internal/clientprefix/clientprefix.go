// Package clientprefix groups addresses that count as one client, for limits per client.
package clientprefix

import "net/netip"

// ipv6Bits is the length of the prefix that one household or machine gets.
const ipv6Bits = 64

// Of returns an IPv4 address itself, and the /64 of an IPv6 address. It returns an invalid prefix for an invalid address, such as that of
// a client on a unix socket.
func Of(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() && !a.IsLoopback() {
		bits = ipv6Bits
	}
	p, _ := a.Prefix(bits) // the bits are in range
	return p
}
