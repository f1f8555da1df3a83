package turnstile

import (
	"container/list"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// duplex is what *net.TCPConn and *net.UnixConn are.
type duplex interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// conn is a connection that has been let in, until it is closed.
type conn struct {
	duplex
	turnstile *Turnstile
	from      address
	pace      pace

	// Of the turnstile, by its lock.
	there            bool
	inAll, ofAddress *list.Element // where it waits; nil while it does not
}

// NetConn returns the connection as the listener made it, as tls.Conn does.
func (c *conn) NetConn() net.Conn { return c.duplex }

// Close closes the connection, and gives its place to others.
func (c *conn) Close() error {
	err := c.duplex.Close() // before it is counted out: no more descriptors than places
	c.turnstile.mu.Lock()
	defer c.turnstile.mu.Unlock()
	c.turnstile.leave(c)
	return err
}

// Read reads what the client says. One that says too much is not listened to for a moment, so that the kernel holds it up: nothing of
// it is lost, and it costs nobody else anything.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.duplex.Read(b[:min(len(b), mouthful)])
	if wait := c.pace.heard(n, time.Now()); wait > 0 && err == nil {
		time.Sleep(wait) // at most for a mouthful
	}
	return n, err
}

// Write sends.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.duplex.Write(b)
	c.pace.told(n)
	return n, err
}

// abort closes a connection that makes room. Who answers on it closes it, too.
func (c *conn) abort() { _ = c.duplex.Close() }

// ours returns the guarded connection that c is or goes over, nil if there is none.
func ours(c net.Conn) *conn {
	for {
		switch inner := c.(type) {
		case *conn:
			return inner
		case interface{ NetConn() net.Conn }:
			c = inner.NetConn()
		default:
			return nil
		}
	}
}

// address is from where connections are counted together: an IPv4 address, or a /64 of IPv6, which is what one household or
// machine is given. The zero value is everything without an IP address.
type address struct{ netip.Prefix }

func addressOf(a net.Addr) address {
	ip := ipOf(a)
	bits := ip.BitLen()
	if ip.Is6() && !ip.IsLoopback() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // bits are in range
	return address{p}
}

func ipOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// of returns from where connections of an address are counted, and whether there may be only so many of them. Who is excepted is
// counted apart from its neighbours in a /64, or it would use up what is theirs.
func (l Limits) of(a net.Addr) (from address, limited bool) {
	ip := ipOf(a)
	if slices.ContainsFunc(l.Except, func(n netip.Prefix) bool { return n.Contains(ip) }) {
		return address{netip.PrefixFrom(ip, ip.BitLen())}, false
	}
	from = addressOf(a)
	return from, l.PerAddress > 0 && ip.IsValid() && (l.Local || !ip.IsLoopback())
}
