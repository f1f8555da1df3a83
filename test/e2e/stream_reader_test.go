package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"camd/pkg/source/framenumber"
)

// picture is one part of a stream.
type picture struct {
	jpeg     []byte
	captured time.Time // X-Timestamp
	arrived  time.Time // its header, at the viewer
}

// frameNumber returns the frame number in a test picture; ok is false for anything else, such as a placeholder.
func (p picture) frameNumber() (n uint32, ok bool) {
	img, err := jpeg.Decode(bytes.NewReader(p.jpeg))
	if err != nil {
		return 0, false
	}
	return framenumber.Decode(img)
}

// viewer reads a stream with nothing but the standard library.
type viewer struct {
	t      testing.TB
	parts  *multipart.Reader
	cancel context.CancelFunc
	body   io.ReadCloser
}

// watch opens a stream, and closes it when the test ends.
func watch(t testing.TB, url string) *viewer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*testTimeout)
	v, err := openStream(ctx, url)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	v.t, v.cancel = t, cancel
	t.Cleanup(v.close)
	return v
}

// openStream opens a stream that ends with ctx.
func openStream(ctx context.Context, url string) (*viewer, error) {
	return openStreamWith(ctx, streamClient, url)
}

// openStreamWith is openStream with another client.
func openStreamWith(ctx context.Context, client *http.Client, url string) (*viewer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	kind, params, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if answer.StatusCode != http.StatusOK || err != nil || kind != "multipart/x-mixed-replace" {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("%s: %s, %s, %v", url, answer.Status, answer.Header.Get("Content-Type"), err)
	}
	return &viewer{body: answer.Body, parts: multipart.NewReader(answer.Body, params["boundary"])}, nil
}

// streamClient has no timeout: streams have no end.
var streamClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: insecureTLS}}

func (v *viewer) close() {
	v.cancel()
	_ = v.body.Close()
}

// drain reads until the stream ends.
func (v *viewer) drain() { _, _ = io.Copy(io.Discard, v.body) }

// read returns the next picture, or why there is none.
func (v *viewer) read() (picture, error) {
	part, err := v.parts.NextRawPart()
	if err != nil {
		return picture{}, err
	}
	p := picture{arrived: time.Now()}
	if p.jpeg, err = io.ReadAll(part); err != nil {
		return picture{}, err
	}
	seconds, err := strconv.ParseFloat(part.Header.Get("X-Timestamp"), 64)
	p.captured = time.UnixMicro(int64(seconds*1e6 + 0.5))
	return p, err
}

// waitFor returns the next picture for which ok is true.
func (v *viewer) waitFor(what string, ok func(picture) bool) picture {
	v.t.Helper()
	for end := time.Now().Add(testTimeout); time.Now().Before(end); {
		p, err := v.read()
		if err != nil {
			v.t.Fatalf("the stream ended before %s: %v", what, err)
		}
		if ok(p) {
			return p
		}
	}
	v.t.Fatalf("waited %v for %s", testTimeout, what)
	return picture{}
}

// isLive and isPlaceholder tell the pictures of a test camera from placeholders.
func isLive(p picture) bool { _, ok := p.frameNumber(); return ok }

func isPlaceholder(p picture) bool {
	img, err := jpeg.Decode(bytes.NewReader(p.jpeg))
	if err != nil {
		return false
	}
	_, ok := framenumber.Decode(img)
	return !ok
}

// jpegWidth returns the width in a JPEG's header, or 0 for anything else.
func jpegWidth(b []byte) int {
	c, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return 0
	}
	return c.Width
}

func isJPEG(b []byte) bool { _, err := jpeg.Decode(bytes.NewReader(b)); return err == nil }

// streamChecker watches a test camera all the time on one connection, to check that faults of others do not disturb it.
type streamChecker struct {
	t    testing.TB
	id   string
	mu   sync.Mutex
	last uint32
	seen int
	err  error
}

var (
	errPlaceholder = errors.New("a picture without a frame number")
	errOlderFrame  = errors.New("a frame number below the last one")
)

// startStreamChecker starts a streamChecker.
func (d *daemon) startStreamChecker(id string) *streamChecker {
	d.t.Helper()
	v := watch(d.t, d.URL+"/cameras/"+id+"/stream.mjpg")
	v.waitFor("a live picture", isLive)
	w := &streamChecker{t: d.t, id: id}
	done := make(chan struct{})
	go func() { defer close(done); w.run(v) }()
	d.t.Cleanup(func() { v.close(); <-done })
	return w
}

func (s *streamChecker) run(v *viewer) {
	for {
		p, err := v.read()
		s.mu.Lock()
		n, ok := p.frameNumber()
		switch {
		case s.err != nil:
		case err != nil:
			s.err = err
		case !ok:
			s.err = errPlaceholder
		case n < s.last: // an equal one is repeated, because no other came for half a second
			s.err = errOlderFrame
		default:
			s.last = n
			s.seen++
		}
		over := s.err != nil
		s.mu.Unlock()
		if over {
			return
		}
	}
}

// checkUndisturbed checks that the stream has had only live pictures in order until now, and continues.
func (s *streamChecker) checkUndisturbed() {
	s.t.Helper()
	begin, _, _ := s.progress()
	eventually(s.t, "the stream of camera "+s.id+" to continue", func() bool {
		last, seen, err := s.progress()
		if err != nil {
			s.t.Fatalf("camera %s was disturbed after %d pictures: %v", s.id, seen, err)
		}
		return last >= begin+5
	})
}

func (s *streamChecker) progress() (last uint32, seen int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.seen, s.err
}
