package connlimit

import (
	"container/list"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"camd/internal/clientprefix"
)

// duplex is what *net.TCPConn and *net.UnixConn are.
type duplex interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// conn is an admitted connection, until it is closed.
type conn struct {
	duplex
	limiter *Limiter
	from    address
	reads   readLimiter

	// Guarded by limiter.mu.
	counted                   bool
	idleElem, addressIdleElem *list.Element // its place among idle connections; nil while busy
}

// NetConn returns the connection as the listener made it, as tls.Conn does.
func (c *conn) NetConn() net.Conn { return c.duplex }

// Close closes the connection and frees its place.
func (c *conn) Close() error {
	err := c.duplex.Close() // before it is counted out: no more descriptors than places
	c.limiter.mu.Lock()
	defer c.limiter.mu.Unlock()
	c.limiter.remove(c)
	return err
}

// Read reads from the client. A client that sends too much is not read for a moment, so that the kernel slows it down: nothing of
// it is lost, and it costs nobody else anything.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.duplex.Read(b[:min(len(b), maxReadSize)])
	if wait := c.reads.delayAfterRead(n, time.Now()); wait > 0 && err == nil {
		time.Sleep(wait) // at most the time of maxReadSize bytes
	}
	return n, err
}

// Write sends.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.duplex.Write(b)
	c.reads.creditWrite(n)
	return n, err
}

// abort closes a displaced connection. Its own user closes it, too.
func (c *conn) abort() { _ = c.duplex.Close() }

// unwrapConn returns the counted connection that c is or wraps, nil if there is none.
func unwrapConn(c net.Conn) *conn {
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

// address is what connections are counted by. The zero value is everything without an IP address.
type address struct{ netip.Prefix }

func addressOf(a net.Addr) address { return address{clientprefix.Of(ipOf(a))} }

func ipOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// classify returns what connections from a are counted by, and whether PerAddress limits them. An exempt address is
// counted apart from the rest of its /64, or it would use up their limit.
func (l Limits) classify(a net.Addr) (from address, limited bool) {
	ip := ipOf(a)
	if slices.ContainsFunc(l.Exempt, func(n netip.Prefix) bool { return n.Contains(ip) }) {
		return address{netip.PrefixFrom(ip, ip.BitLen())}, false
	}
	from = addressOf(a)
	return from, l.PerAddress > 0 && ip.IsValid() && (l.LimitLoopback || !ip.IsLoopback())
}
