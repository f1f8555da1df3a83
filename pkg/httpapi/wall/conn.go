package wall

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"camd/internal/writetimeout"
)

const (
	// writeBufferSize is that of the WebSocket library. The messages are collected behind it: see batchConn.
	writeBufferSize = 4 << 10
	// slowWriteThreshold is how long a write takes if it had to wait for its client. Bytes for which the kernel has room are taken at
	// once.
	slowWriteThreshold = 100 * time.Millisecond
)

// Conn is a client's connection.
type Conn struct {
	*websocket.Conn
	batch    *batchConn
	messages *messageLimiter
}

// Accept upgrades a request to a WebSocket without compression. It refuses pages of origins other than the request's own host and those
// given. A write fails when the client takes nothing at all for the timeout; a message may take longer.
func Accept(w http.ResponseWriter, r *http.Request, timeout time.Duration, origins ...string) (*Conn, error) {
	h := &hijacker{ResponseWriter: w, timeout: timeout}
	limiter := newMessageLimiter()
	origins = slices.DeleteFunc(slices.Clone(origins), func(origin string) bool { return origin == "" })
	conn, err := websocket.Accept(h, r, &websocket.AcceptOptions{
		OriginPatterns: origins,
		OnPingReceived: func(context.Context, []byte) bool { return limiter.allow(1) },
		OnPongReceived: func(context.Context, []byte) { limiter.allow(1) },
	})
	if err != nil {
		return nil, err
	}
	limiter.closeConn = func() { _ = h.conn.Close() } // CloseNow waits for the reader, which calls this
	return &Conn{conn, h.conn, limiter}, nil
}

// hijacker hands out batchConns.
type hijacker struct {
	http.ResponseWriter
	timeout time.Duration
	conn    *batchConn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	_, encrypted := c.(*tls.Conn)
	h.conn = newBatchConn(&progressConn{Conn: c, timeout: h.timeout, encrypted: encrypted})
	return h.conn, bufio.NewReadWriter(rw.Reader, bufio.NewWriterSize(h.conn, writeBufferSize)), nil
}

// progressConn is a connection whose writes fail when no byte gets through for the timeout. An encrypted connection cannot continue after
// a missed deadline, so there a whole chunk must get through in that time.
type progressConn struct {
	net.Conn
	timeout    time.Duration
	encrypted  bool
	slowWrites atomic.Uint64 // writes that waited, and then got something through: the client lives
}

// Write implements net.Conn.
func (p *progressConn) Write(b []byte) (int, error) {
	return writetimeout.Writer{Conn: slowWriteCounter{p}, Timeout: p.timeout, CanResume: !p.encrypted}.Write(b)
}

// slowWriteCounter counts the slow writes of a progressConn.
type slowWriteCounter struct{ *progressConn }

// Write implements writetimeout.Conn.
func (s slowWriteCounter) Write(b []byte) (int, error) {
	start := time.Now()
	n, err := s.Conn.Write(b)
	if n > 0 && time.Since(start) >= slowWriteThreshold {
		s.slowWrites.Add(1)
	}
	return n, err
}
