package httpapi

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// firstRequestTimeout is how long a stopping server waits for the first request on a new connection. Browsers sometimes connect without
// sending a request.
const firstRequestTimeout = 500 * time.Millisecond

// pendingConns are the accepted connections whose first request has not arrived. http.Server.Shutdown closes them without an answer.
// The server therefore answers them before. The next process cannot, because it gets only connections that this one has not accepted. The
// methods are safe for concurrent use.
type pendingConns struct {
	timeout time.Duration

	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	removed chan struct{} // receives after a connection was removed from conns
}

func newPendingConns() *pendingConns {
	return &pendingConns{timeout: firstRequestTimeout, conns: map[net.Conn]struct{}{}, removed: make(chan struct{}, 1)}
}

// trackState is the ConnState hook of an http.Server.
func (p *pendingConns) trackState(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		p.mu.Lock()
		p.conns[c] = struct{}{}
		p.mu.Unlock()
	case http.StateClosed, http.StateHijacked:
		p.remove(c)
	}
}

// remove notes that a request has arrived over c. Only the handler knows that: the state becomes active before http.Server decides
// whether to answer.
func (p *pendingConns) remove(c net.Conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	select {
	case p.removed <- struct{}{}:
	default:
	}
}

func (p *pendingConns) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// drain returns when no connection is pending. It closes those without a request after the timeout. The caller accepts no connections
// meanwhile.
func (p *pendingConns) drain() {
	timer := time.NewTimer(p.timeout)
	defer timer.Stop()
	for p.count() > 0 {
		select {
		case <-p.removed:
		case <-timer.C:
			p.close()
			return
		}
	}
}

func (p *pendingConns) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // no request is lost
	}
	clear(p.conns)
}
