package bus

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"camd/internal/writetimeout"
)

const (
	dialTimeout  = 2 * time.Second
	writeTimeout = 2 * time.Second
	sendBuffer   = 64 << 10 // bytes that the kernel may hold unsent (TCP_NOTSENT_LOWAT), so that pictures do not queue there
)

// dialer makes connections that buffer little, and whose writes fail when they make no progress.
type dialer struct {
	net.Dialer
	mu     sync.Mutex
	newest net.Conn
	closed bool
}

func newDialer() *dialer {
	return &dialer{Dialer: net.Dialer{Timeout: dialTimeout, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			// A kernel without this option buffers more.
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, sendBuffer)
		})
	}}}
}

// abort closes the connection at once, and makes all later dials fail. Closing it through the library would wait for a write
// that hangs.
func (d *dialer) abort() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.newest != nil {
		_ = d.newest.Close()
	}
}

// Dial implements nats.CustomDialer.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	c, err := d.Dialer.Dial(network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	d.newest = c
	return &progressConn{c}, nil
}

// progressConn is a connection whose writes fail only when they make no progress for writeTimeout. Over a slow link, a large
// picture may take seconds. A dead connection is noticed within two.
type progressConn struct{ net.Conn }

// Write implements net.Conn.
func (p *progressConn) Write(b []byte) (int, error) {
	n, err := writetimeout.Writer{Conn: p.Conn, Timeout: writeTimeout}.Write(b)
	if err != nil {
		_ = p.Close() // the server cannot parse anything after half a message; the library's reader notices the close
	}
	return n, err
}

const (
	probeInterval    = 500 * time.Millisecond
	maxResponseDelay = 1500 * time.Millisecond // how late a server's answers may be while this camd sends nothing but interests
)

// reconnectWhenSlow makes another connection when the server's answers are late and isFetching reports that pictures are being
// received. The answers then wait behind a queue of pictures, which grow old because the link is too slow. Closing the
// connection drops that queue. It returns when ctx ends.
func (c *connection) reconnectWhenSlow(ctx context.Context, isFetching func() bool) {
	every(ctx, probeInterval, func() {
		conn, _ := c.ready()
		if conn == nil || !isFetching() || conn.FlushTimeout(c.maxDelay) == nil || ctx.Err() != nil {
			return
		}
		if current, _ := c.ready(); current == conn && conn.ForceReconnect() == nil {
			c.mu.Lock()
			c.slowReconnects++
			c.mu.Unlock()
			c.log.Warn("slow bus reconnected", zap.String("problem", "the connection is too slow for the pictures that are watched"), zap.Duration("later_than", c.maxDelay))
		}
	})
}
