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

// duplex is what *net.TCPConn and *net.UnixConn have in common.
type duplex interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// conn is an admitted connection. It is counted until it is closed or displaced.
type conn struct {
	duplex
	limiter *Limiter
	from    address
	reads   readLimiter

	// Guarded by limiter.mu.
	counted                   bool
	idleElem, addressIdleElem *list.Element // in Limiter.idle and addressState.idle; nil while busy
}

// NetConn returns the underlying connection, like the method of tls.Conn.
func (c *conn) NetConn() net.Conn { return c.duplex }

// Close closes the connection and frees its place.
func (c *conn) Close() error {
	err := c.duplex.Close() // before it is removed, so that there are never more descriptors than counted connections
	c.limiter.mu.Lock()
	defer c.limiter.mu.Unlock()
	c.limiter.remove(c)
	return err
}

// Read reads from the client, at most maxReadSize bytes. If the client has sent too much, Read waits a moment afterwards, so that
// the kernel slows the client down. No data is lost, and no other client is delayed.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.duplex.Read(b[:min(len(b), maxReadSize)])
	if wait := c.reads.delayAfterRead(n, time.Now()); wait > 0 && err == nil {
		time.Sleep(wait) // at most maxReadSize*timePerByte
	}
	return n, err
}

// Write writes to the client. What it writes raises the limit of what the client may send.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.duplex.Write(b)
	c.reads.creditWrite(n)
	return n, err
}

// abort closes a displaced connection. The server that uses it also calls Close, later.
func (c *conn) abort() { _ = c.duplex.Close() }

// unwrapConn returns the conn that c is or wraps, or nil if there is none.
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

// address is the key by which connections are counted. All connections without an IP address share the zero value.
type address struct{ netip.Prefix }

func addressOf(a net.Addr) address { return address{clientprefix.Of(ipOf(a))} }

func ipOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// classify returns the key by which connections from a are counted, and whether PerAddress limits them. An exempt address has its
// own key. Otherwise it would use up the limit of its /64.
func (l Limits) classify(a net.Addr) (from address, limited bool) {
	ip := ipOf(a)
	if slices.ContainsFunc(l.Exempt, func(n netip.Prefix) bool { return n.Contains(ip) }) {
		return address{netip.PrefixFrom(ip, ip.BitLen())}, false
	}
	from = addressOf(a)
	return from, l.PerAddress > 0 && ip.IsValid() && (l.LimitLoopback || !ip.IsLoopback())
}
