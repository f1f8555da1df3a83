package httpapi

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/media"
)

func TestStreamIsMultipart(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{}, cam)
	resp, stream := s.watch(t, "/cameras/a/stream.mjpg")
	if len(resp.TransferEncoding) != 0 || !resp.Close {
		t.Errorf("transfer encoding %v, close %v; want the bytes as they are until the connection closes", resp.TransferEncoding, resp.Close)
	}
	for shade := range uint8(5) {
		if shade > 0 {
			cam.publish(shade + 1)
		}
		p, err := stream.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(p)
		if want := picture(shade + 1); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("picture %d: %d bytes, %v; want the %d published", shade, len(got), err, len(want))
		}
		if h := p.Header; h.Get("Content-Type") != "image/jpeg" || h.Get("Content-Length") != fmt.Sprint(len(got)) || h.Get("X-Timestamp") == "" {
			t.Errorf("part header %v", h)
		}
	}
}

func TestInvalidStreamRequestsAreRefused(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("front-door"))
	for _, c := range []struct {
		path string
		code int
		says string
	}{
		{"/cameras/nope/stream.mjpg", 404, `no camera "nope": the cameras are front-door`},
		{"/cameras/front-door/stream.mjpg?fps=-1", 400, `fps="-1" must be a number above 0 and at most 1000, such as fps=5`},
		{"/cameras/front-door/stream.mjpg?fps=0", 400, "fps"},
		{"/cameras/front-door/stream.mjpg?fps=many", 400, "fps"},
		{"/cameras/front-door/stream.mjpg?fps=NaN", 400, "fps"},
		{"/cameras/front-door/stream.mjpg?rendition=huge", 404, `no rendition "huge"`},
		{"/?action=stream_1", 404, "no camera number 1: the cameras have the numbers 0 to 0"},
		{"/?action=dance", 400, "action"},
		{"/nowhere", 404, "nothing at this address"},
		{"/api/v1/cameras/nope", 404, `"error": "no camera \"nope\": the cameras are front-door"`},
	} {
		resp := s.get(t, c.path)
		if text := body(t, resp); resp.StatusCode != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %q, want %d with %q", c.path, resp.StatusCode, text, c.code, c.says)
		}
	}
	if resp := s.request(t, http.MethodPost, "/cameras/front-door/stream.mjpg"); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", resp.Status)
	}
}

func TestStreamLimitFreesPlaces(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{Config: Config{Limits: Limits{Viewers: 2}}}, cam)
	s.watch(t, "/cameras/a/stream.mjpg")
	firstViewer, _ := s.watch(t, "/cameras/a/stream.mjpg")
	resp := s.get(t, "/cameras/a/stream.mjpg")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("third viewer: %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	_ = firstViewer.Body.Close()
	cam.publish(2) // the server notices the closed connection when it writes
	eventually(t, "a place is free", func() bool { cam.publish(3); return s.viewers.CountPerCamera()["a"] == 1 })
	s.watch(t, "/cameras/a/stream.mjpg")
}

// A server that restarts the timeout with each frame must not end a stream after some fixed time, and one that loses its camera
// must not end it at all.
func TestStreamOutlivesPlaceholders(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{Config: Config{WriteTimeout: 50 * time.Millisecond}}, cam)
	_, stream := s.watch(t, "/cameras/a/stream.mjpg")
	nextPicture(t, stream)
	begin := time.Now()
	for time.Since(begin) < 300*time.Millisecond { // several write timeouts
		cam.placeholder()
		nextPicture(t, stream)
	}
	cam.publish(9)
	if !bytes.Equal(nextDifferentPicture(t, stream, picture(0)), picture(9)) {
		t.Error("no live picture after the placeholders")
	}
}

// dialStream opens a stream on a plain connection. The test decides when it reads.
func dialStream(t *testing.T, s *testServer, path string) net.Conn {
	t.Helper()
	c, err := dial(s, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func dial(s *testServer, path string) (net.Conn, error) {
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err == nil {
		_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
	}
	return c, err
}

// largeJPEG is a frame so large that kernel buffers hold only a few.
func largeJPEG(shade uint8) []byte {
	jpeg := picture(shade)
	comment := append([]byte{0xFF, 0xD8}, bytes.Repeat(append([]byte{0xFF, 0xFE, 0xFF, 0xFF}, make([]byte, 0xFFFD)...), 16)...)
	return append(comment, jpeg[2:]...)
}

// nextDifferentPicture reads until a picture differs from the last one. The last one is repeated if a slow machine needs half a second for the next.
func nextDifferentPicture(t *testing.T, r *multipart.Reader, last []byte) []byte {
	t.Helper()
	next := nextPicture(t, r)
	for bytes.Equal(next, last) {
		next = nextPicture(t, r)
	}
	return next
}

// untimedOptions are options with which no slow viewer is disconnected, because a busy machine may need long for a picture.
func untimedOptions() Options {
	return Options{Config: Config{WriteTimeout: time.Hour}, drainTimeout: time.Hour}
}

// setShortWriteTimeout sets a short write timeout for new viewers. Present viewers keep theirs, because a slow machine may need it.
func (s *testServer) setShortWriteTimeout(cameras ...Camera) {
	cfg := newConfig(Limits{}, cameras...)
	cfg.WriteTimeout = 200 * time.Millisecond
	s.SetConfig(cfg)
}

func TestStalledViewerIsCutWithoutDelayingOthers(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{Config: Config{WriteTimeout: time.Hour}}, cam)
	_, stream := s.watch(t, "/cameras/a/stream.mjpg")
	nextPicture(t, stream)
	s.setShortWriteTimeout(cam)
	dialStream(t, s, "/cameras/a/stream.mjpg") // never reads
	eventually(t, "both watch", func() bool { return s.viewers.CountPerCamera()["a"] == 2 })

	frame := largeJPEG(7)
	eventually(t, "the stalled viewer is cut", func() bool {
		cam.topic.Publish(newFrame(frame, time.Now()))
		if !bytes.Equal(nextDifferentPicture(t, stream, picture(1)), frame) {
			t.Fatal("the other viewer got something else")
		}
		return s.viewers.Stats().Cut[[2]string{"a", viewers.CutStalled}] == 1
	})
	c := s.viewers.Stats()
	if n := c.Connected[viewers.Key{Camera: "a", Rendition: camera.Main, Transport: "http1"}]; n != 1 {
		t.Errorf("%d viewers left, want 1", n)
	}
}

// A viewer that falls behind gets the newest frame next, not those it missed, and the count of what it missed is exact.
func TestSlowViewerSkipsToNewest(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, untimedOptions(), cam)
	c := dialStream(t, s, "/cameras/a/stream.mjpg")
	eventually(t, "it watches", func() bool { return s.viewers.CountPerCamera()["a"] == 1 })
	const burst = 100
	frame := newFrame(largeJPEG(3), time.Now())
	for range burst {
		cam.topic.Publish(frame)
	}
	cam.publish(200)

	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	last, got := picture(200), 0
	want := append(append([]byte{}, last...), "\r\n--"+media.Boundary...)
	var seen bytes.Buffer
	for buf := make([]byte, 1<<20); !bytes.Contains(seen.Bytes(), want); {
		n, err := resp.Body.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got += bytes.Count(buf[:n], []byte("Content-Length"))
		if seen.Len() > 4<<20 {
			seen.Next(seen.Len() - len(want))
		}
		seen.Write(buf[:n])
	}
	if got > burst/2 {
		t.Errorf("%d of %d frames waited for a viewer that did not read", got, burst)
	}
	eventually(t, "every frame is accounted for", func() bool {
		tally := s.viewers.Stats().Totals[viewers.Key{Camera: "a", Rendition: camera.Main, Transport: "http1"}]
		return tally.Sent+tally.Late == burst+2 && tally.Late > burst/2
	})
}

func TestShutdownEndsStreamsAtFrameBoundary(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, untimedOptions(), cam)
	resp, _ := s.watch(t, "/cameras/a/stream.mjpg")
	for range 10 {
		cam.topic.Publish(newFrame(largeJPEG(1), time.Now()))
	}
	done := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(resp.Body)
		done <- b
	}()
	eventually(t, "something was sent", func() bool {
		return s.viewers.Stats().Totals[viewers.Key{Camera: "a", Rendition: camera.Main, Transport: "http1"}].Sent > 0
	})
	s.stop(t)
	b := <-done
	if end := "\r\n--" + media.Boundary + "\r\n"; !bytes.HasSuffix(b, []byte(end)) {
		t.Errorf("stream ends with %q, want %q", b[max(0, len(b)-40):], end)
	}
	if n := s.viewers.Stats().Cut[[2]string{"a", viewers.CutShutdown}]; n != 1 {
		t.Errorf("%d viewers counted as cut by the shutdown, want 1", n)
	}
}

func TestViewersLeaveNoResourcesBehind(t *testing.T) {
	const visits = 10_000
	cam := newTestCamera("a")
	cam.publish(1)
	s := startServer(t, Options{Config: Config{Limits: Limits{Viewers: visits}}}, cam) // the server notices at the next frame who has left
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := descriptors()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range visits / 4 {
				c, err := dial(s, "/cameras/a/stream.mjpg")
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := io.CopyN(io.Discard, c, 500); err != nil { // the head and some of a picture
					t.Error(err)
				}
				_ = c.Close()
			}
		})
	}
	wg.Wait()
	eventually(t, "all are gone", func() bool {
		cam.publish(2)
		return s.viewers.CountPerCamera()["a"] == 0 && cam.topic.Subscriptions() == 0 && descriptors() <= before
	})
}

// A single picture is sent again, because some browsers show a part only when the next one begins.
func TestLastFrameIsRepeated(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(5)
	s := startServer(t, Options{}, cam)
	_, stream := s.watch(t, "/cameras/a/stream.mjpg")
	for i := range 2 {
		if !bytes.Equal(nextPicture(t, stream), picture(5)) {
			t.Errorf("picture %d is another", i)
		}
	}
	if n := s.viewers.Stats().Totals[viewers.Key{Camera: "a", Rendition: camera.Main, Transport: "http1"}].Sent; n != 1 {
		t.Errorf("%d frames counted as sent, want 1: a repeated frame does not count", n)
	}
}

func TestHeadOfStreamHasNoBody(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("a"))
	resp := s.request(t, http.MethodHead, "/cameras/a/stream.mjpg")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != media.ContentType {
		t.Errorf("HEAD: %s %s", resp.Status, resp.Header.Get("Content-Type"))
	}
}
