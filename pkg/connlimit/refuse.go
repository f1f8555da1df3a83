package connlimit

import (
	"io"
	"net"
	"sync"
	"time"
)

// What a refused client gets: an HTTP response, or the TLS alert internal_error. A server may send an alert in place of its
// ServerHello. camd sends this alert for nothing else.
var (
	httpRefusal = []byte("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nCache-Control: no-store\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 67\r\n\r\n" +
		"this server has reached its limit of connections: try again later.\n")
	tlsRefusal = []byte{21, 3, 3, 0, 2, 2, 80}
)

// How refused connections stay open for a moment. If they were closed with unread data, the kernel would send a reset, and the client
// could lose the answer.
const (
	MaxLingering   = 32          // connections at once, in addition to the counted ones
	lingerTimeout  = time.Second // for the client to read the answer
	maxLingerBytes = 64 << 10    // bytes from the client that are read and discarded
)

// lingeringConns are the refused connections that are still open. The zero value has none.
type lingeringConns struct {
	mu      sync.Mutex
	closed  bool
	conns   map[net.Conn]struct{}
	closing sync.WaitGroup
}

// refuse writes the response and closes c. It never waits; up to MaxLingering clients get time to read it.
func (l *lingeringConns) refuse(c duplex, response []byte) {
	_ = c.SetDeadline(time.Now().Add(lingerTimeout))
	_, _ = c.Write(response) // does not block: it fits into the kernel's empty buffer
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.conns) >= MaxLingering {
		_ = c.Close()
		return
	}
	if l.conns == nil {
		l.conns = map[net.Conn]struct{}{}
	}
	l.conns[c] = struct{}{}
	l.closing.Go(func() {
		_ = c.CloseWrite()
		_, _ = io.CopyN(io.Discard, c, maxLingerBytes)
		_ = c.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, c)
	})
}

// closeAll closes all of them, and returns when their goroutines have ended. Later ones are closed at once.
func (l *lingeringConns) closeAll() {
	l.mu.Lock()
	l.closed = true
	for c := range l.conns {
		_ = c.Close()
	}
	l.mu.Unlock()
	l.closing.Wait()
}
