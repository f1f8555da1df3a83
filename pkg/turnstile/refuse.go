package turnstile

import (
	"io"
	"net"
	"sync"
	"time"
)

// refusals are what a client is told that may not come in: one of HTTP, and TLS' alert internal_error, which a server may send
// in place of its hello. Nothing else of camd's sends that one.
var (
	plainly = []byte("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nCache-Control: no-store\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 69\r\n\r\n" +
		"this server has as many connections as it may have; try again later.\n")
	encrypted = []byte{21, 3, 3, 0, 2, 2, 80}
)

// How much a refused client is waited for. Were it closed at once, what it has sent would be unread, and the kernel would take
// the answer back.
const (
	Lingering = 32          // how many at once, beyond those that are counted
	linger    = time.Second // to take the answer
	most      = 64 << 10    // bytes that it may have sent
)

// farewells are the connections that have been refused and are still open. The zero value has none.
type farewells struct {
	mu    sync.Mutex
	ended bool
	conns map[net.Conn]struct{}
	gone  sync.WaitGroup
}

// tell says why and closes. It waits for nothing; a few are given the time to read it.
func (f *farewells) tell(c duplex, why []byte) {
	_ = c.SetDeadline(time.Now().Add(linger))
	_, _ = c.Write(why) // fits into the kernel's buffer, which is empty
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended || len(f.conns) >= Lingering {
		_ = c.Close()
		return
	}
	if f.conns == nil {
		f.conns = map[net.Conn]struct{}{}
	}
	f.conns[c] = struct{}{}
	f.gone.Go(func() {
		_ = c.CloseWrite()
		_, _ = io.CopyN(io.Discard, c, most)
		_ = c.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.conns, c)
	})
}

// end closes all of them.
func (f *farewells) end() {
	f.mu.Lock()
	f.ended = true
	for c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.gone.Wait()
}
