package wall

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// writeBufferSize is larger than most pictures, which leave in one write, and no more than a wall is worth: one for all its cameras.
	writeBufferSize = 128 << 10
	// tlsChunkSize is how much must get through an encrypted connection within the write timeout: one that was late cannot go on.
	tlsChunkSize = 64 << 10
	// slowWriteThreshold is how long a write takes that had to wait for its client. What the kernel has room for, it takes at once.
	slowWriteThreshold = 100 * time.Millisecond
)

// Conn is a client's connection.
type Conn struct {
	*websocket.Conn
	progress *progressConn
	messages *messageLimiter
}

// Accept makes a WebSocket of a request: one that compresses nothing, and refuses pages of other origins than the request's own
// host and those given. A client that takes nothing at all for the timeout fails what is being written; a message may take longer.
func Accept(w http.ResponseWriter, r *http.Request, timeout time.Duration, origins ...string) (*Conn, error) {
	h := &hijacker{ResponseWriter: w, timeout: timeout}
	limiter := newMessageLimiter()
	origins = slices.DeleteFunc(slices.Clone(origins), func(origin string) bool { return origin == "" })
	conn, err := websocket.Accept(h, r, &websocket.AcceptOptions{
		OriginPatterns: origins,
		OnPingReceived: func(context.Context, []byte) bool { return limiter.allow() },
		OnPongReceived: func(context.Context, []byte) { limiter.allow() },
	})
	if err != nil {
		return nil, err
	}
	limiter.closeConn = func() { _ = h.conn.Close() } // CloseNow waits for the reader, which calls this
	return &Conn{conn, h.conn, limiter}, nil
}

// hijacker hands out progressConns.
type hijacker struct {
	http.ResponseWriter
	timeout time.Duration
	conn    *progressConn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &progressConn{Conn: c, timeout: h.timeout}
	_, h.conn.encrypted = c.(*tls.Conn)
	return h.conn, bufio.NewReadWriter(rw.Reader, bufio.NewWriterSize(h.conn, writeBufferSize)), nil
}

// conn is a connection whose writes fail when no byte gets through for the timeout.
type progressConn struct {
	net.Conn
	timeout    time.Duration
	encrypted  bool
	slowWrites atomic.Uint64 // writes that waited, and then got something through: the client lives
}

func (f *progressConn) Write(b []byte) (n int, err error) {
	for {
		chunk := b[n:]
		if f.encrypted {
			chunk = chunk[:min(tlsChunkSize, len(chunk))]
		}
		start := time.Now()
		if err := f.SetWriteDeadline(start.Add(f.timeout)); err != nil {
			return n, err
		}
		written, err := f.Conn.Write(chunk)
		n += written
		timedOut := errors.Is(err, os.ErrDeadlineExceeded)
		switch {
		case err != nil && (written == 0 || !timedOut):
			return n, err
		case timedOut || time.Since(start) > slowWriteThreshold:
			f.slowWrites.Add(1)
		}
		if n == len(b) {
			return n, nil
		}
	}
}
