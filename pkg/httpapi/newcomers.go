package httpapi

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// greeting is how long a server that ends waits for the request of who has just connected. A browser connects now and then
// without asking for anything.
const greeting = 500 * time.Millisecond

// newcomers are the connections that have been accepted, and whose first request has yet to come. http.Server.Shutdown
// closes them without an answer, where somebody who was not accepted yet would be by the next process (systemd keeps the
// socket). Its methods are safe for concurrent use.
type newcomers struct {
	greeting time.Duration

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	left  chan struct{} // something has been taken out of conns
}

func newNewcomers() *newcomers {
	return &newcomers{greeting: greeting, conns: map[net.Conn]struct{}{}, left: make(chan struct{}, 1)}
}

// follow is an http.Server's ConnState.
func (n *newcomers) follow(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		n.mu.Lock()
		n.conns[c] = struct{}{}
		n.mu.Unlock()
	case http.StateClosed, http.StateHijacked:
		n.served(c)
	}
}

// served notes that a request has come over c. Nothing but the handler knows: that a connection is active is said before
// http.Server decides whether to answer it.
func (n *newcomers) served(c net.Conn) {
	n.mu.Lock()
	delete(n.conns, c)
	n.mu.Unlock()
	select {
	case n.left <- struct{}{}:
	default:
	}
}

func (n *newcomers) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// greet returns when there are none. Those who have said nothing after the time of a greeting are closed. No more may come
// meanwhile.
func (n *newcomers) greet() {
	enough := time.NewTimer(n.greeting)
	defer enough.Stop()
	for n.count() > 0 {
		select {
		case <-n.left:
		case <-enough.C:
			n.close()
			return
		}
	}
}

func (n *newcomers) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close() // nothing has been said that could be lost
	}
	clear(n.conns)
}
