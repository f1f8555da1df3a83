package httpapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/certificate"
	"camd/pkg/httpapi/streaming"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/media"
)

// startTLS serves the cameras over TLS. All requests of the server's client that can share a connection share one.
func startTLS(t *testing.T, o Options, version2 bool, cameras ...Camera) (*testServer, *stoppableDialer) {
	t.Helper()
	i := testpeer.Certificate{}.Make(t)
	pair, err := certificate.Files{Certificate: i.File, Key: i.Key}.Load()
	if err != nil {
		t.Fatal(err)
	}
	o.TLS = certificate.Server(pair)
	s := startServer(t, o, cameras...)
	s.url = strings.Replace(s.url, "http:", "https:", 1)
	l := &stoppableDialer{resumed: make(chan struct{})}
	var protocols http.Protocols
	protocols.SetHTTP1(!version2)
	protocols.SetHTTP2(version2)
	s.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: i.Pool}, Protocols: &protocols, DialContext: l.dial,
	}}
	return s, l
}

// stoppableDialer dials connections that a test can stop reading from.
type stoppableDialer struct {
	mu      sync.Mutex
	dialled int
	stopped bool
	resumed chan struct{}
}

func (s *stoppableDialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialled++
	return &stoppableConn{c, s}, err
}

func (s *stoppableDialer) stop() { s.mu.Lock(); defer s.mu.Unlock(); s.stopped = true }

func (s *stoppableDialer) resume() { close(s.resumed) }

type stoppableConn struct {
	net.Conn
	dialer *stoppableDialer
}

func (s *stoppableConn) Read(b []byte) (int, error) {
	s.dialer.mu.Lock()
	stopped := s.dialer.stopped
	s.dialer.mu.Unlock()
	if stopped {
		<-s.dialer.resumed
	}
	return s.Conn.Read(b)
}

func TestHTTP2StreamsShareAConnection(t *testing.T) {
	a, b := newTestCamera("a"), newTestCamera("b")
	a.publish(1)
	b.publish(2)
	s, l := startTLS(t, Options{}, true, a, b)
	first, pictures := s.watch(t, "/cameras/a/stream.mjpg")
	second, others := s.watch(t, "/cameras/b/stream.mjpg")
	for _, resp := range []*http.Response{first, second} {
		for _, name := range []string{"Connection", "Transfer-Encoding", "Keep-Alive", "Upgrade"} {
			if got := resp.Header.Get(name); got != "" || resp.ProtoMajor != 2 {
				t.Errorf("%s %s: %q", resp.Proto, name, got)
			}
		}
	}
	if !bytes.Equal(nextPicture(t, pictures), picture(1)) || !bytes.Equal(nextPicture(t, others), picture(2)) {
		t.Error("other pictures than were published")
	}
	a.publish(3)
	if !bytes.Equal(nextPicture(t, pictures), picture(3)) {
		t.Error("another picture than was published")
	}
	if resp := s.get(t, "/api/v1/wall"); resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Upgrade") != "" {
		t.Errorf("a wall: %s, Upgrade %q", resp.Status, resp.Header.Get("Upgrade"))
	}
	list := s.viewers.Sorted()
	if len(list) != 2 || list[0].Transport != "http2" || list[0].Remote != list[1].Remote || l.dialled != 1 {
		t.Errorf("%d connections, viewers %+v", l.dialled, list)
	}
	_ = first.Body.Close()
	eventually(t, "one has left", func() bool { return s.viewers.CountPerCamera()["a"] == 0 })
	b.publish(4)
	if !bytes.Equal(nextPicture(t, others), picture(4)) {
		t.Error("the other stream is interrupted")
	}
}

// A stream over TLS with HTTP/1.1 is the same as without TLS: it has no chunks, and ends with its connection.
func TestStreamOverTLSIsUnchunked(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s, _ := startTLS(t, Options{}, false, cam)
	resp, stream := s.watch(t, "/cameras/a/stream.mjpg")
	if len(resp.TransferEncoding) != 0 || !resp.Close || resp.ProtoMajor != 1 {
		t.Errorf("%s, transfer encoding %v, close %v", resp.Proto, resp.TransferEncoding, resp.Close)
	}
	if !bytes.Equal(nextPicture(t, stream), picture(1)) {
		t.Error("another picture than was published")
	}
}

// The send buffer is set on the TCP connection below TLS.
func TestSendBufferIsSetBelowTLS(t *testing.T) {
	for _, version2 := range []bool{false, true} {
		cam := newTestCamera("a")
		cam.publish(1)
		s, _ := startTLS(t, Options{Config: Config{SendBuffer: 54321}}, version2, cam)
		s.watch(t, "/cameras/a/stream.mjpg")
		raw, err := s.listener.last().(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		_ = raw.Control(func(fd uintptr) {
			if n, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT); n != 54321 || err != nil {
				t.Errorf("version 2 %v: %d, %v", version2, n, err)
			}
		})
	}
}

// A viewer that takes nothing of one stream loses that stream and no other of its connection.
func TestStalledStreamEndsAlone(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	// Only the stalled stream has a short timeout, because a slow machine may need long for the pictures of the other one.
	s, l := startTLS(t, Options{Config: Config{WriteTimeout: time.Hour}}, true, cam)
	_, stream := s.watch(t, "/cameras/a/stream.mjpg")
	nextPicture(t, stream)
	s.setShortWriteTimeout(cam)
	stalled, _ := s.watch(t, "/cameras/a/stream.mjpg")
	frame := largeJPEG(7)
	eventually(t, "the stalled viewer is cut", func() bool {
		cam.topic.Publish(newFrame(frame, time.Now()))
		if !bytes.Equal(nextDifferentPicture(t, stream, picture(1)), frame) {
			t.Fatal("the other viewer got something else")
		}
		return s.viewers.Stats().Cut[[2]string{"a", viewers.CutStalled}] == 1
	})
	if _, err := io.Copy(io.Discard, stalled.Body); err == nil {
		t.Error("the stalled stream ended as if it were whole")
	}
	cam.publish(9)
	if !bytes.Equal(nextDifferentPicture(t, stream, frame), picture(9)) || l.dialled != 1 {
		t.Errorf("the other stream is interrupted; %d connections", l.dialled)
	}
	if n := s.viewers.Stats().Connected[viewers.Key{Camera: "a", Rendition: camera.Main, Transport: "http2"}]; n != 1 {
		t.Errorf("%d viewers left, want 1", n)
	}
}

// A client that reads nothing from its connection loses all streams of the connection.
func TestStalledConnectionLosesAllStreams(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	// Long enough for the first pictures on a busy machine.
	s, l := startTLS(t, Options{Config: Config{WriteTimeout: 5 * time.Second}}, true, cam)
	for range 2 {
		_, stream := s.watch(t, "/cameras/a/stream.mjpg")
		nextPicture(t, stream)
	}
	l.stop()
	defer l.resume()
	frame := newFrame(largeJPEG(7), time.Now())
	eventually(t, "both are cut", func() bool {
		cam.topic.Publish(frame)
		return s.viewers.Stats().Cut[[2]string{"a", viewers.CutStalled}] == 2
	})
}

// A deadline is for one frame. No deadline passes and ends the stream while there is nothing to send.
func TestQuietStreamOutlivesWriteTimeout(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(5)
	s, _ := startTLS(t, Options{Config: Config{WriteTimeout: streaming.RepeatAfter * 4 / 5}}, true, cam)
	// A busy machine may take longer than the timeout for one picture, but not again and again.
	for attempts := 5; ; attempts-- {
		_, stream := s.watch(t, "/cameras/a/stream.mjpg")
		var err error
		for range 2 { // the second is the first again, after a write timeout
			var part *multipart.Part
			var got []byte
			if part, err = stream.NextPart(); err == nil {
				got, err = io.ReadAll(part)
			}
			if err != nil {
				break
			}
			if !bytes.Equal(got, picture(5)) {
				t.Error("a viewer got a picture that was not published")
			}
		}
		if err == nil {
			return
		}
		if attempts == 1 {
			t.Fatalf("the stream ended each time: %v", err)
		}
	}
}

func TestShutdownEndsTLSStreamsAtFrameBoundary(t *testing.T) {
	for _, version2 := range []bool{false, true} {
		cam := newTestCamera("a")
		cam.publish(1)
		s, _ := startTLS(t, untimedOptions(), version2, cam)
		const count = 5
		bodies := make(chan []byte)
		for range count {
			resp, _ := s.watch(t, "/cameras/a/stream.mjpg")
			go func() {
				b, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Errorf("version 2 %v: %v", version2, err)
				}
				bodies <- b
			}()
		}
		for range 10 {
			cam.topic.Publish(newFrame(largeJPEG(1), time.Now()))
		}
		s.stop(t)
		for range count {
			b := <-bodies
			if end := "\r\n--" + media.Boundary + "\r\n"; !bytes.HasSuffix(b, []byte(end)) {
				t.Errorf("version 2 %v: stream ends with %q, want %q", version2, b[max(0, len(b)-40):], end)
			}
		}
		if n := s.viewers.Stats().Cut[[2]string{"a", viewers.CutShutdown}]; n != count {
			t.Errorf("version 2 %v: %d viewers counted as cut by the shutdown, want %d", version2, n, count)
		}
	}
}
