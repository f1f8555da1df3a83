package httpreader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/sourceurl"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(childVariable); kind != "" {
		os.Exit(runChild(kind, os.Getenv(urlVariable)))
	}
	goleak.VerifyTestMain(m, testpeer.FaultProxyLeaks()...)
}

const secret = "hush-hush"

// withSecrets adds a user, a password, and a query with a secret.
func withSecrets(url string) string {
	return strings.Replace(url, "://", "://viewer:"+secret+"@", 1) + "?token=" + secret
}

func parseSource(t testing.TB, url string) sourceurl.Source {
	t.Helper()
	src, err := sourceurl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// drop is a call of OnDrop.
type drop struct {
	cause string
	size  int64
}

// testFrame is a frame that a reading has received, with its own JPEG.
type testFrame struct {
	Frame
	width int
}

// reading is a running Read.
type reading struct {
	t      testing.TB
	opened chan Info
	frames chan testFrame
	ended  chan error // what Read returned
	stop   context.CancelFunc

	mu    sync.Mutex
	drops []drop
}

// startRead reads a source until it or the test ends.
func startRead(t testing.TB, url string, o Options) *reading {
	t.Helper()
	src := parseSource(t, url)
	if o.Source.User != "" {
		src.User, src.Password = o.Source.User, o.Source.Password
	}
	o.Source = src
	ctx, cancel := context.WithCancel(context.Background())
	r := &reading{t: t, opened: make(chan Info, 1), frames: make(chan testFrame), ended: make(chan error, 1), stop: cancel}
	o.OnOpened = func(i Info) { r.opened <- i }
	o.OnFrame = func(f *Frame) {
		got := testFrame{Frame: *f}
		got.JPEG = bytes.Clone(f.JPEG)
		p, err := media.Normalize(got.JPEG, media.Limits{})
		if err != nil {
			t.Errorf("picture of %d bytes: %v", len(f.JPEG), err)
		}
		got.width = p.Width
		select {
		case r.frames <- got:
		case <-ctx.Done():
		}
	}
	o.OnDrop = func(cause string, size int64) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.drops = append(r.drops, drop{cause, size})
	}
	var running sync.WaitGroup
	running.Go(func() { r.ended <- Read(ctx, o) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return r
}

// frame returns the next frame.
func (r *reading) frame() testFrame {
	r.t.Helper()
	select {
	case f := <-r.frames:
		return f
	case err := <-r.ended:
		r.t.Fatalf("no frame: %v", err)
	case <-time.After(testrun.Deadline):
		r.t.Fatal("no frame")
	}
	return testFrame{}
}

// failure returns the error of Read. It skips frames.
func (r *reading) failure() *Error {
	r.t.Helper()
	for {
		select {
		case <-r.frames:
		case err := <-r.ended:
			e, ok := errors.AsType[*Error](err)
			if !ok {
				r.t.Fatalf("got %v, want an Error", err)
			}
			if strings.Contains(e.Detail, secret) {
				r.t.Errorf("the secret is in %q", e.Detail)
			}
			return e
		case <-time.After(testrun.Deadline):
			r.t.Fatal("the source does not end")
		}
	}
}

// expectFailure waits for the end of Read, and checks why.
func (r *reading) expectFailure(reason camera.Reason, detail string) {
	r.t.Helper()
	if e := r.failure(); e.Reason != reason || !strings.Contains(e.Detail, detail) {
		r.t.Errorf("got %q %q, want %q and …%s…", e.Reason, e.Detail, reason, detail)
	}
}

// dropped returns the calls of OnDrop so far.
func (r *reading) dropped() []drop {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]drop(nil), r.drops...)
}

// countDrops returns how many pictures were left out so far, by cause.
func (r *reading) countDrops() map[string]int {
	all := map[string]int{}
	for _, d := range r.dropped() {
		all[d.cause]++
	}
	return all
}

func serveHTTP(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// part returns a part of a stream.
func part(picture []byte) []byte {
	return fmt.Appendf(nil, "--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(picture), picture)
}

// sendRepeatedly writes and flushes until the client is gone.
func sendRepeatedly(w http.ResponseWriter, r *http.Request, part []byte) {
	for r.Context().Err() == nil {
		if _, err := w.Write(part); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func asPoll(url string) string { return strings.Replace(url, "http:", "http+poll:", 1) }
