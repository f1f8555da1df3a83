package connlimit

import (
	"io"
	"net"
	"sync"
	"time"
)

// What a refused client is sent: an HTTP response, or TLS' alert internal_error, which a server may send
// in place of its hello. Nothing else of camd's sends that one.
var (
	httpRefusal = []byte("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nCache-Control: no-store\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 69\r\n\r\n" +
		"this server has as many connections as it may have; try again later.\n")
	tlsRefusal = []byte{21, 3, 3, 0, 2, 2, 80}
)

// How long a refused connection stays open. Were it closed at once, what it has sent would be unread, and the kernel would take
// the answer back.
const (
	MaxLingering   = 32          // how many at once, beyond those that are counted
	lingerTimeout  = time.Second // to take the answer
	maxLingerBytes = 64 << 10    // bytes that it may have sent
)

// lingeringConns are the connections that have been refused and are still open. The zero value has none.
type lingeringConns struct {
	mu      sync.Mutex
	closed  bool
	conns   map[net.Conn]struct{}
	closing sync.WaitGroup
}

// refuse writes the response and closes c. It never waits; up to MaxLingering clients get time to read it.
func (f *lingeringConns) refuse(c duplex, response []byte) {
	_ = c.SetDeadline(time.Now().Add(lingerTimeout))
	_, _ = c.Write(response) // fits into the kernel's buffer, which is empty
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || len(f.conns) >= MaxLingering {
		_ = c.Close()
		return
	}
	if f.conns == nil {
		f.conns = map[net.Conn]struct{}{}
	}
	f.conns[c] = struct{}{}
	f.closing.Go(func() {
		_ = c.CloseWrite()
		_, _ = io.CopyN(io.Discard, c, maxLingerBytes)
		_ = c.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.conns, c)
	})
}

// closeAll closes all of them.
func (f *lingeringConns) closeAll() {
	f.mu.Lock()
	f.closed = true
	for c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.closing.Wait()
}
