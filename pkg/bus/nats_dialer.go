package bus

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"camd/internal/stalltimeout"
)

const (
	dialTimeout  = 2 * time.Second
	writeTimeout = 2 * time.Second
	sendBuffer   = 64 << 10 // bytes that the kernel may hold unsent (TCP_NOTSENT_LOWAT): beyond it pictures would queue there
)

// dialer makes connections that hold little, and that break when they take nothing.
type dialer struct {
	net.Dialer
	mu     sync.Mutex
	newest net.Conn
	closed bool
}

func newDialer() *dialer {
	return &dialer{Dialer: net.Dialer{Timeout: dialTimeout, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			// Where the kernel does not know it, more is held.
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, sendBuffer)
		})
	}}}
}

// abort ends the connection, whatever is being written, and lets there be no other: closing it in the library's way waits
// for the write.
func (d *dialer) abort() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.newest != nil {
		_ = d.newest.Close()
	}
}

// Dial implements what the library asks of a dialer.
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

// progressConn is a connection whose writes may take as long as they make progress: over a slow link a large picture takes
// seconds and is none the worse, while one that is dead should be noticed within two.
type progressConn struct{ net.Conn }

// Write implements net.Conn.
func (s *progressConn) Write(b []byte) (int, error) {
	n, err := stalltimeout.Writer{Conn: s.Conn, Timeout: writeTimeout}.Write(b)
	if err != nil {
		_ = s.Close() // the server could not parse what follows half a message; the library's reader notices
	}
	return n, err
}

const (
	probeInterval    = 500 * time.Millisecond
	maxResponseDelay = 1500 * time.Millisecond // that an answer may be late where nothing but interests goes out
)

// reconnectWhenSlow leaves a server whose answers are late while isFetching reports that pictures come from it: they lie behind a queue of
// those, which grows to old ones over a link that is too slow. The queue goes with the connection.
func (l *connection) reconnectWhenSlow(ctx context.Context, isFetching func() bool) {
	every(ctx, probeInterval, func() {
		conn, _ := l.ready()
		if conn == nil || !isFetching() || conn.FlushTimeout(l.maxDelay) == nil || ctx.Err() != nil {
			return
		}
		if current, _ := l.ready(); current == conn && conn.ForceReconnect() == nil {
			l.mu.Lock()
			l.slowReconnects++
			l.mu.Unlock()
			l.log.Warn("bus left", zap.String("problem", "the server's answers lie behind a queue of pictures"), zap.Duration("later_than", l.maxDelay))
		}
	})
}
