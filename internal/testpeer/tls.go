package testpeer

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// TLSServer terminates TLS for another server, as stunnel does. It turns an rtsp:// server into an rtsps:// server.
type TLSServer struct {
	Address string // host:port

	listener net.Listener
	backend  string
	received atomic.Int64
	serving  sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool // nil once it is closed
}

// ServeTLS starts a TLSServer with a certificate, for the server at backend.
func ServeTLS(t testing.TB, backend string, certificate KeyPair) *TLSServer {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certificate.File, certificate.Key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	s := &TLSServer{Address: l.Addr().String(), listener: l, backend: backend, open: map[net.Conn]bool{}}
	s.serving.Go(s.accept)
	t.Cleanup(s.close)
	return s
}

// Received returns how many bytes clients have sent over TLS, as plain text.
func (t *TLSServer) Received() int64 { return t.received.Load() }

func (t *TLSServer) accept() {
	for {
		c, err := t.listener.Accept()
		if err != nil {
			return
		}
		t.serving.Go(func() { t.forward(c) })
	}
}

func (t *TLSServer) forward(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", t.backend)
	if err != nil {
		return
	}
	defer server.Close()
	if !t.addConn(client) {
		return
	}
	defer t.removeConn(client)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = io.Copy(client, server)
		client.Close()
	}()
	_, _ = io.Copy(server, io.TeeReader(client, &counter{&t.received}))
	server.Close()
	<-answered
}

type counter struct{ n *atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

func (t *TLSServer) addConn(c net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open != nil {
		t.open[c] = true
	}
	return t.open != nil
}

func (t *TLSServer) removeConn(c net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, c)
}

func (t *TLSServer) close() {
	t.listener.Close()
	t.mu.Lock()
	for c := range t.open {
		c.Close()
	}
	t.open = nil
	t.mu.Unlock()
	t.serving.Wait()
}
