package writetimeout

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const timeout = 2 * time.Second

// readSlowly reads portions of a size, with a pause after each, until ctx ends.
func readSlowly(ctx context.Context, r io.Reader, size int, pause time.Duration) {
	var err error
	for b := make([]byte, size); err == nil && ctx.Err() == nil; {
		_, err = io.ReadFull(r, b)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func TestWriteFailsOnlyWithoutProgress(t *testing.T) {
	const size = 300_000
	for name, tt := range map[string]struct {
		w       Writer
		portion int
		pause   time.Duration
		stalled bool
		written int
	}{
		"any byte is enough":            {Writer{CanResume: true}, 1000, timeout - time.Millisecond, false, size},
		"no byte is not":                {Writer{CanResume: true}, 1000, 2*timeout + time.Millisecond, true, 1000},
		"every chunk gets through":      {Writer{ChunkSize: 10_000}, 10_000, timeout - time.Millisecond, false, size},
		"the second chunk is late":      {Writer{ChunkSize: 10_000}, 6000, timeout - time.Millisecond, true, 18_000},
		"every default chunk does":      {Writer{}, defaultChunkSize, timeout - time.Millisecond, false, size},
		"the first default chunk fails": {Writer{}, 1000, timeout - time.Millisecond, true, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				local, remote := net.Pipe()
				var reader sync.WaitGroup
				defer reader.Wait()
				defer remote.Close()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				reader.Go(func() { readSlowly(ctx, remote, tt.portion, tt.pause) })
				tt.w.Conn, tt.w.Timeout = local, timeout
				n, err := tt.w.Write(make([]byte, size))
				if n != tt.written || IsExceeded(err) != tt.stalled || (err != nil) != tt.stalled {
					t.Errorf("wrote %d bytes of %d: %v; want %d, stalled: %v", n, size, err, tt.written, tt.stalled)
				}
			})
		})
	}
}

func TestClosedConnectionIsNotStalled(t *testing.T) {
	local, remote := net.Pipe()
	_ = remote.Close()
	n, err := Writer{Conn: local, Timeout: time.Minute, CanResume: true}.Write(make([]byte, 10))
	if n != 0 || err == nil || IsExceeded(err) {
		t.Errorf("wrote %d bytes: %v", n, err)
	}
}

// A response and its controller are a Conn for HTTP/1.1, TLS and HTTP/2. A write to a client that does not read fails.
func TestUnreadResponseStalls(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){
		"HTTP/1.1": (*httptest.Server).Start,
		"TLS":      (*httptest.Server).StartTLS,
		"HTTP/2":   func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() },
	} {
		t.Run(name, func(t *testing.T) {
			result := make(chan error, 1)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				response := struct {
					http.ResponseWriter
					*http.ResponseController
				}{w, http.NewResponseController(w)}
				var err error
				for b := make([]byte, 1<<20); err == nil; {
					_, err = Writer{Conn: response, Timeout: 200 * time.Millisecond}.Write(b)
				}
				result <- err
			}))
			start(server)
			defer server.Close()
			response, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if err := <-result; !IsExceeded(err) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}
