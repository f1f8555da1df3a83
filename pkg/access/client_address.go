package access

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are those whose word is taken for whom they speak for. The zero Proxies are none.
type Proxies struct {
	Networks []netip.Prefix
	Unix     bool // whoever comes by a unix socket
}

// Client is who asks, as far as it can be told.
type Client struct {
	Addr   netip.Addr // invalid for one on a unix socket of whom no trusted proxy says more
	Secure bool       // it speaks TLS, to camd or to the trusted proxy
}

// String is the address for logs, limits and audit; "unix" where there is none.
func (c Client) String() string {
	if !c.Addr.IsValid() {
		return "unix"
	}
	return c.Addr.String()
}

// Client returns who asks: the nearest address that is not a trusted proxy's. What anybody else says in X-Forwarded-For and
// X-Forwarded-Proto counts for nothing.
func (a *Authenticator) Client(r *http.Request) Client {
	c := Client{Addr: peerAddr(r), Secure: r.TLS != nil}
	if !a.options.Proxies.isTrusted(r) {
		return c
	}
	if proto := lastElement(r.Header.Values("X-Forwarded-Proto")); proto != "" {
		c.Secure = strings.EqualFold(proto, "https")
	}
	forwarded := listElements(r.Header.Values("X-Forwarded-For"))
	for _, text := range slices.Backward(forwarded) {
		addr, ok := parseAddr(text)
		if !ok {
			break // what is before it was said by who knows whom
		}
		c.Addr = addr
		if !a.options.Proxies.contains(addr) {
			break
		}
	}
	return c
}

// isTrusted reports whether the request comes straight from a proxy.
func (p Proxies) isTrusted(r *http.Request) bool {
	addr := peerAddr(r)
	if !addr.IsValid() {
		return p.Unix && isUnixSocket(r)
	}
	return p.contains(addr)
}

func (p Proxies) contains(addr netip.Addr) bool {
	return slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

func isUnixSocket(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && local.Network() == "unix"
}

// peerAddr is the address at the other end of the connection, invalid if it has none.
func peerAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return normalizeAddr(ap.Addr())
}

// parseAddr reads an address as X-Forwarded-For has it, with or without a port.
func parseAddr(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return normalizeAddr(ap.Addr()), true
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return normalizeAddr(addr), err == nil
}

// normalizeAddr gives an address one form: no IPv4 within IPv6, no zone.
func normalizeAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// listElements are the parts of a list header, in whatever number of lines it comes.
func listElements(lines []string) (all []string) {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			all = append(all, strings.TrimSpace(part))
		}
	}
	return all
}

// lastElement is what the nearest proxy has said.
func lastElement(lines []string) string {
	if all := listElements(lines); len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}
