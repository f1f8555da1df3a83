package access

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the trusted reverse proxies. Their X-Forwarded-For, X-Forwarded-Proto and ForwardAuth headers are believed. The zero
// value trusts none.
type Proxies struct {
	Networks []netip.Prefix
	Unix     bool // also trust every connection over a unix socket
}

// Client is the sender of a request.
type Client struct {
	Addr   netip.Addr // invalid on a unix socket, unless a trusted proxy names an address
	Secure bool       // the client uses TLS, to camd or to the trusted proxy
}

// String returns the address for logs, limits and the audit log, or "unix" if there is none.
func (c Client) String() string {
	if !c.Addr.IsValid() {
		return "unix"
	}
	return c.Addr.String()
}

// Client returns the sender of a request: the nearest address that is not a trusted proxy's. X-Forwarded-For and
// X-Forwarded-Proto from other addresses are ignored.
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
			break // the addresses before it cannot be trusted
		}
		c.Addr = addr
		if !a.options.Proxies.contains(addr) {
			break
		}
	}
	return c
}

// isTrusted reports whether the connection of a request comes from a trusted proxy.
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

// peerAddr returns the address at the other end of the connection. It is invalid if there is none.
func peerAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return normalizeAddr(ap.Addr())
}

// parseAddr parses an address of X-Forwarded-For, with or without a port.
func parseAddr(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return normalizeAddr(ap.Addr()), true
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return normalizeAddr(addr), err == nil
}

// normalizeAddr returns an address without a zone, and IPv4-mapped IPv6 as IPv4.
func normalizeAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// listElements returns the elements of a list header that may have several lines.
func listElements(lines []string) (all []string) {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			all = append(all, strings.TrimSpace(part))
		}
	}
	return all
}

// lastElement returns the last element of a list header, which the nearest proxy has added; empty if there is none.
func lastElement(lines []string) string {
	if all := listElements(lines); len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}
