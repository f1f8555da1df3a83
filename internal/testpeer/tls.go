package testpeer

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// TLSServer terminates TLS for another server, as stunnel does. It makes a server of rtsp:// one of rtsps://.
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

// Received returns how many bytes clients have sent inside of TLS.
func (s *TLSServer) Received() int64 { return s.received.Load() }

func (s *TLSServer) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.serving.Go(func() { s.forward(c) })
	}
}

func (s *TLSServer) forward(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", s.backend)
	if err != nil {
		return
	}
	defer server.Close()
	if !s.addConn(client) {
		return
	}
	defer s.removeConn(client)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = io.Copy(client, server)
		client.Close()
	}()
	_, _ = io.Copy(server, io.TeeReader(client, &counter{&s.received}))
	server.Close()
	<-answered
}

type counter struct{ n *atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

func (s *TLSServer) addConn(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		s.open[c] = true
	}
	return s.open != nil
}

func (s *TLSServer) removeConn(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

func (s *TLSServer) close() {
	s.listener.Close()
	s.mu.Lock()
	for c := range s.open {
		c.Close()
	}
	s.open = nil
	s.mu.Unlock()
	s.serving.Wait()
}
