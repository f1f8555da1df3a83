package certificate

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"

	"camd/internal/testpeer"
)

func TestClientRejectsOtherServer(t *testing.T) {
	load := func(c testpeer.Certificate) *tls.Certificate {
		i := c.Make(t)
		pair, err := Files{i.File, i.Key}.Load()
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	named, other := load(testpeer.Certificate{Name: "cameras.example"}), load(testpeer.Certificate{})
	l, err := tls.Listen("tcp", "127.0.0.1:0", Server(named))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); acceptHandshakes(l) }()
	for _, c := range []struct {
		expected *tls.Certificate
		want     error
	}{{named, nil}, {other, errWrongCertificate}} {
		conn, err := tls.Dial("tcp", l.Addr().String(), Client(c.expected))
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("got %v, want %v", err, c.want)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	_ = l.Close()
	<-served
}

// Connections after a change get the new certificate, and open connections continue.
func TestSetCertificateKeepsConnections(t *testing.T) {
	load := func() *tls.Certificate {
		i := testpeer.Certificate{}.Make(t)
		pair, err := Files{i.File, i.Key}.Load()
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	before, now := load(), load()
	var store Store
	store.SetCertificate(before)
	l, err := tls.Listen("tcp", "127.0.0.1:0", store.Server())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan net.Conn, 2)
	dial := func(c *tls.Certificate) *tls.Conn {
		t.Helper()
		go func() {
			conn, err := l.Accept()
			if err == nil {
				err = conn.(*tls.Conn).Handshake()
			}
			if err != nil {
				t.Error(err)
			}
			served <- conn
		}()
		conn, err := tls.Dial("tcp", l.Addr().String(), Client(c))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	old, server := dial(before), <-served
	defer server.Close()
	store.SetCertificate(now)
	dial(now)
	_ = (<-served).Close()
	go func() { _, _ = server.Write([]byte("x")) }()
	if n, err := old.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("the earlier connection: %v", err)
	}
}

// acceptHandshakes completes the handshake of each connection.
func acceptHandshakes(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.(*tls.Conn).Handshake()
		_ = c.Close()
	}
}
