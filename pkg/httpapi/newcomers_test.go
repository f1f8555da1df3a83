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

// Who has connected when the server is told to end, and asks then, is answered; who comes later is not accepted.
func TestNewcomersAreServed(t *testing.T) {
	s := open(t, Options{}, newTestCamera("a"))
	s.newcomers.greeting = time.Minute // however slow the machine
	addr := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	eventually(t, "it is accepted", func() bool { return s.newcomers.count() == 1 })
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

// Who says nothing does not hold it up for long, nor is anybody remembered.
func TestNewcomersWhoSayNothing(t *testing.T) {
	s := open(t, Options{}, newTestCamera("a"))
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	eventually(t, "it is accepted", func() bool { return s.newcomers.count() == 1 })
	s.stop(t)
	if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n := s.newcomers.count(); n != 0 {
		t.Errorf("%d remembered", n)
	}
}
