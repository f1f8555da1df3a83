package testpeer

import (
	"io"
	"math"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Unlimited is the rate of a SlowLink that holds nothing back.
const Unlimited = math.MaxInt

// linkBuffer is how much each socket of a SlowLink may hold, in bytes. It is small, so that the server soon notices the rate.
const linkBuffer = 16 << 10

// SlowLink is a TCP proxy whose connections share a limited rate from the server to the clients. The rate can change while connections are
// open.
type SlowLink struct {
	URL string // the URL of the server, through the proxy

	server   string // host:port
	listener net.Listener
	serving  sync.WaitGroup

	mu      sync.Mutex
	rate    int           // bytes per second
	changed chan struct{} // closed when the rate changes
	free    time.Time     // when all that was sent has left the link
	open    map[net.Conn]bool
	closed  bool
}

// ServeSlowLink puts a proxy in front of the server of a URL, until the test ends. Its rate is Unlimited at first.
func ServeSlowLink(t testing.TB, address string) *SlowLink {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &SlowLink{server: u.Host, listener: l, rate: Unlimited, changed: make(chan struct{}), open: map[net.Conn]bool{}}
	u.Host = l.Addr().String()
	s.URL = u.String()
	s.serving.Go(s.accept)
	t.Cleanup(s.close)
	return s
}

// SetRate sets the bytes per second of all connections together. With 0 nothing passes, and the sockets stay open.
func (s *SlowLink) SetRate(bytesPerSecond int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate, s.free = bytesPerSecond, time.Now()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *SlowLink) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.serving.Go(func() { s.forward(c) })
	}
}

func (s *SlowLink) forward(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", s.server)
	if err != nil {
		return
	}
	defer server.Close()
	_ = server.(*net.TCPConn).SetReadBuffer(linkBuffer)
	_ = client.(*net.TCPConn).SetWriteBuffer(linkBuffer)
	if !s.add(client, server) {
		return
	}
	defer s.remove(client, server)
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(server, client)
		server.Close()
	})
	s.carry(client, server)
	client.Close()
	up.Wait()
}

// carry copies from the server to the client at the link's rate.
func (s *SlowLink) carry(client, server net.Conn) {
	b := make([]byte, 4<<10)
	for {
		n, err := server.Read(b)
		if n > 0 && (!s.wait(n) || write(client, b[:n]) != nil) || err != nil {
			return
		}
	}
}

func write(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}

// wait waits until n bytes have passed the link. It returns false when the link is closed.
func (s *SlowLink) wait(n int) bool {
	for isCounted := false; ; {
		s.mu.Lock()
		rate, changed, now := s.rate, s.changed, time.Now()
		if !isCounted && rate > 0 && rate != Unlimited {
			if s.free.Before(now) {
				s.free = now
			}
			s.free = s.free.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
			isCounted = true
		}
		until, isClosed := s.free, s.closed
		s.mu.Unlock()
		if isClosed {
			return false
		}
		if rate == Unlimited || isCounted && !until.After(now) {
			return true
		}
		if rate == 0 {
			<-changed
			continue
		}
		timer := time.NewTimer(until.Sub(now))
		select {
		case <-timer.C:
			return true
		case <-changed:
			timer.Stop()
			isCounted = false
		}
	}
}

func (s *SlowLink) add(conns ...net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range conns {
		s.open[c] = true
	}
	return !s.closed
}

func (s *SlowLink) remove(conns ...net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range conns {
		delete(s.open, c)
	}
}

func (s *SlowLink) close() {
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	close(s.changed)
	s.changed = make(chan struct{})
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
}
