package wall

import (
	"bufio"
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
	// room is larger than most pictures, which leave in one write, and no more than a wall is worth: one for all its cameras.
	room = 128 << 10
	// piece is how much must get through an encrypted connection within the write timeout: one that was late cannot go on.
	piece = 64 << 10
	// waited is how long a write takes that had to wait for its client. What the kernel has room for, it takes at once.
	waited = 100 * time.Millisecond
)

// Line is a client's connection.
type Line struct {
	*websocket.Conn
	flow *flow
}

// Accept makes a WebSocket of a request: one that compresses nothing, and refuses pages of other origins than the request's own
// host and those given. A client that takes nothing at all for the timeout fails what is being written; a message may take longer.
func Accept(w http.ResponseWriter, r *http.Request, timeout time.Duration, origins ...string) (*Line, error) {
	h := &hijacker{ResponseWriter: w, timeout: timeout}
	origins = slices.DeleteFunc(slices.Clone(origins), func(origin string) bool { return origin == "" })
	conn, err := websocket.Accept(h, r, &websocket.AcceptOptions{OriginPatterns: origins})
	if err != nil {
		return nil, err
	}
	return &Line{conn, h.flow}, nil
}

// hijacker hands out connections that flow.
type hijacker struct {
	http.ResponseWriter
	timeout time.Duration
	flow    *flow
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.flow = &flow{Conn: c, timeout: h.timeout}
	_, h.flow.encrypted = c.(*tls.Conn)
	return h.flow, bufio.NewReadWriter(rw.Reader, bufio.NewWriterSize(h.flow, room)), nil
}

// flow is a connection whose writes fail when nothing at all gets through for the timeout.
type flow struct {
	net.Conn
	timeout   time.Duration
	encrypted bool
	moved     atomic.Uint64 // writes that waited, and then got something through: the client lives
}

func (f *flow) Write(b []byte) (n int, err error) {
	for {
		now := b[n:]
		if f.encrypted {
			now = now[:min(piece, len(now))]
		}
		began := time.Now()
		if err := f.SetWriteDeadline(began.Add(f.timeout)); err != nil {
			return n, err
		}
		some, err := f.Conn.Write(now)
		n += some
		late := errors.Is(err, os.ErrDeadlineExceeded)
		switch {
		case err != nil && (some == 0 || !late):
			return n, err
		case late || time.Since(began) > waited:
			f.moved.Add(1)
		}
		if n == len(b) {
			return n, nil
		}
	}
}
