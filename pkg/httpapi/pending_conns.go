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

// pendingConns are the accepted connections whose first request has not arrived. http.Server.Shutdown closes them without an answer. Had
// they not been accepted, the next process would answer them, because systemd keeps the socket. The methods are safe for concurrent use.
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
func (n *pendingConns) trackState(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		n.mu.Lock()
		n.conns[c] = struct{}{}
		n.mu.Unlock()
	case http.StateClosed, http.StateHijacked:
		n.remove(c)
	}
}

// remove notes that a request has arrived over c. Only the handler knows that: the state becomes active before http.Server decides
// whether to answer.
func (n *pendingConns) remove(c net.Conn) {
	n.mu.Lock()
	delete(n.conns, c)
	n.mu.Unlock()
	select {
	case n.removed <- struct{}{}:
	default:
	}
}

func (n *pendingConns) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// drain returns when no connection is pending. It closes those without a request after the timeout. The caller accepts no connections
// meanwhile.
func (n *pendingConns) drain() {
	timer := time.NewTimer(n.timeout)
	defer timer.Stop()
	for n.count() > 0 {
		select {
		case <-n.removed:
		case <-timer.C:
			n.close()
			return
		}
	}
}

func (n *pendingConns) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close() // no request is lost
	}
	clear(n.conns)
}
