package httpapi

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"camd/pkg/connlimit"
)

// sendRaw sends the text of a request and returns the connection.
func (s *testServer) sendRaw(t *testing.T, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// A body that is announced and does not arrive holds its connection only for the body timeout, at any address.
func TestMissingBodyEndsTheConnection(t *testing.T) {
	for _, head := range []string{
		"GET /healthz HTTP/1.1\r\nContent-Length: 10\r\n",
		"GET /api/v1/cameras HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
		"POST /nowhere HTTP/1.1\r\nContent-Length: 10\r\n",
		"PATCH /api/v1/cameras/a HTTP/1.1\r\nContent-Length: 10\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 999999999999\r\n",
	} {
		s := startServer(t, Options{}, newTestCamera("a"))
		s.bodyTimeout = 50 * time.Millisecond
		c, r := s.sendRaw(t, head+"Host: 127.0.0.1\r\n\r\n")
		_ = c.SetDeadline(time.Now().Add(2 * time.Minute)) // only a connection that never ends takes that long
		if _, err := http.ReadResponse(r, nil); err != nil && err != io.ErrUnexpectedEOF {
			t.Errorf("%s: %v", head, err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: %v, want the connection to end", head, err)
		}
	}
}

// An extra listener has the same limits: its connections count with the others.
func TestMissingBodyEndsTheConnectionOnExtraListeners(t *testing.T) {
	cam := newTestCamera("a")
	s := New(Options{Config: Config{Cameras: map[string]Camera{"a": cam}, Order: []string{"a"}}})
	s.bodyTimeout = 50 * time.Millisecond
	front, door := listen(t), listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- s.Serve(ctx, front, ExtraListener{door, http.RedirectHandler("https://127.0.0.1/", http.StatusPermanentRedirect)})
	}()
	defer func() { cancel(); <-done }()
	c, err := net.Dial("tcp", door.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute)) // only a connection that never ends takes that long
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n")
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Errorf("%v, want the connection to end", err)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLargeBodyIsRefused(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("a"))
	for n, method := range []string{http.MethodGet, http.MethodPatch, http.MethodPost} {
		r, err := http.NewRequest(method, s.url+"/api/v1/cameras/a", strings.NewReader(strings.Repeat("x", maxBodyBytes+1)))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if text := body(t, answer); answer.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(text, "the limit of 65536 bytes") {
			t.Errorf("%s: %s %s", method, answer.Status, text)
		}
		_ = answer.Body.Close()
		if got := s.refusedRequests()[tooLarge]; got != uint64(n+1) {
			t.Errorf("%d counted", got)
		}
	}
}

// A body at an address that does not need one does no harm: the connection continues, and streams begin.
func TestUnusedBodyKeepsTheConnection(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{}, cam)
	c, r := s.sendRaw(t, strings.Repeat("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello", 2)+
		"GET /cameras/a/stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello")
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	for range 2 {
		answer, err := http.ReadResponse(r, nil)
		if err != nil || answer.StatusCode != http.StatusOK || body(t, answer) != "ok\n" {
			t.Fatalf("%+v %v", answer, err)
		}
	}
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%+v %v", answer, err)
	}
}

// Connections that send nothing, half of a request or no further request do not keep other clients out.
func TestIdleConnectionsAreDisplaced(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{Config: Config{Connections: connlimit.Limits{Total: 5}}}, cam)
	_, stream := s.watch(t, "/cameras/a/stream.mjpg")
	nextPicture(t, stream)
	for range 10 {
		s.sendRaw(t, "")
		s.sendRaw(t, "GET /healthz HTT")
		_, r := s.sendRaw(t, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /health")
		if answer, err := http.ReadResponse(r, nil); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%+v %v", answer, err)
		}
	}
	n := s.connLimiter.Count()
	if n.Open > 5 || n.Displaced[connlimit.ReasonTotal] < 20 || n.Refused[connlimit.ReasonTotal] != 0 {
		t.Errorf("%+v", n)
	}
	cam.publish(2)
	if string(nextPicture(t, stream)) != string(picture(2)) {
		t.Error("the stream is interrupted")
	}
	if text := body(t, s.get(t, "/metrics")); !strings.Contains(text, `camd_connections_displaced_total{reason="connections"} `) ||
		!strings.Contains(text, "\ncamd_connections_limit 5\n") {
		t.Error("the metrics do not count it")
	}
}

// If all connections are busy, a new client is told when to try again.
func TestBusyConnectionsStay(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{Config: Config{Connections: connlimit.Limits{Total: 3}}}, cam)
	for range 3 {
		s.watch(t, "/cameras/a/stream.mjpg")
	}
	_, r := s.sendRaw(t, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("%+v %v", answer, err)
	}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err != nil || seconds < 1 {
		t.Errorf("Retry-After %q", answer.Header.Get("Retry-After"))
	}
	if n := s.connLimiter.Count(); n.Refused[connlimit.ReasonTotal] != 1 || n.Displaced[connlimit.ReasonTotal] != 0 {
		t.Errorf("%+v", n)
	}
}

func TestWaitingSnapshotsAreLimited(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{Config: Config{Limits: Limits{Viewers: 1}}}, cam)
	first := make(chan int)
	go func() { first <- s.get(t, "/cameras/a/snapshot.jpg?fresh=1").StatusCode }()
	eventually(t, "one waits", func() bool { return cam.topic.Subscriptions() == 1 })
	second := s.get(t, "/cameras/a/snapshot.jpg?fresh=1")
	if second.StatusCode != http.StatusServiceUnavailable || second.Header.Get("Retry-After") == "" || s.refusedRequests()[tooManyWaiting] != 1 {
		t.Errorf("%s, counted %v", second.Status, s.refusedRequests())
	}
	cam.publish(2)
	if code := <-first; code != http.StatusOK {
		t.Errorf("the one that waited: %d", code)
	}
	if third := s.get(t, "/cameras/a/snapshot.jpg?max_age=1h"); third.StatusCode != http.StatusOK {
		t.Errorf("one that need not wait: %s", third.Status)
	}
}

// A wall's client that floods with messages of any kind is disconnected. Acknowledgements of pictures are not a flood.
func TestFloodingWallIsCut(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("a"))
	for n, flood := range []string{
		"\x89\x80\x00\x00\x00\x00",                    // pings
		"\x8a\x80\x00\x00\x00\x00",                    // pongs
		"\x81\x8e\x00\x00\x00\x00" + `{"type":"ack"}`, // acknowledgements of nothing
		"\x81\x81\x00\x00\x00\x00{",                   // not JSON
	} {
		c, r := s.sendRaw(t, "GET /api/v1/wall HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
		if answer, err := http.ReadResponse(r, nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%+v %v", answer, err)
		}
		go func() { _, _ = io.Copy(io.Discard, r) }() // it reads the answers
		for err := error(nil); err == nil; {
			_, err = io.WriteString(c, flood)
		}
		eventually(t, "it is counted", func() bool { return s.refusedRequests()[tooManyMessages] == uint64(n+1) })
		eventually(t, "it is gone", func() bool { return s.viewers.Stats().Walls == 0 })
	}
}
