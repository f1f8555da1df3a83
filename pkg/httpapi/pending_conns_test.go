package httpapi

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A request on a connection from before the shutdown is answered. Later connections are not accepted.
func TestShutdownServesPendingConnections(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("a"))
	s.pendingConns.timeout = time.Minute // however slow the machine
	addr := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	eventually(t, "it is accepted", func() bool { return s.pendingConns.count() == 1 })
	s.cancel()
	eventually(t, "nobody else is", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusOK || !answer.Close {
		t.Errorf("answered %+v, %v", answer, err)
	}
	s.stop(t)
}

// A silent connection delays shutdown only briefly, and is not kept in the list.
func TestShutdownClosesSilentConnections(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("a"))
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	eventually(t, "it is accepted", func() bool { return s.pendingConns.count() == 1 })
	s.stop(t)
	if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n := s.pendingConns.count(); n != 0 {
		t.Errorf("%d remembered", n)
	}
}
