package httpapi

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// timeout is how long a server that ends waits for the request of who has just connected. A browser connects now and then
// without asking for anything.
const firstRequestTimeout = 500 * time.Millisecond

// pendingConns are the connections that have been accepted, and whose first request has yet to come. http.Server.Shutdown
// closes them without an answer, where somebody who was not accepted yet would be by the next process (systemd keeps the
// socket). Its methods are safe for concurrent use.
type pendingConns struct {
	timeout time.Duration

	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	removed chan struct{} // something has been taken out of conns
}

func newPendingConns() *pendingConns {
	return &pendingConns{timeout: firstRequestTimeout, conns: map[net.Conn]struct{}{}, removed: make(chan struct{}, 1)}
}

// trackState is an http.Server's ConnState.
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

// remove notes that a request has come over c. Nothing but the handler knows: that a connection is active is said before
// http.Server decides whether to answer it.
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

// drain returns when there are none. Those without a request after the timeout are closed. No more may come
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
		_ = c.Close() // nothing has been said that could be lost
	}
	clear(n.conns)
}
