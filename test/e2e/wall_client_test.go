package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// highH264 is a decoder for all H.264 of the tests' cameras.
const highH264 = "avc1.640033"

// wallOptions describe a client of a wall. A zero field is left out.
type wallOptions struct {
	cameras []string // at the beginning
	view    string   // of these
	decodes []string
	header  http.Header
	client  *http.Client // default: streamClient
	timeout time.Duration
	link    string // a signed link, as its parameter has it
	isPaced bool   // it reads a frame when the test has taken the one before, so that a test that decodes JPEGs is not behind
}

// wallText is a text message of a wall.
type wallText struct {
	Type, Camera, View, Message string
	Version                     int
	raw                         []byte
}

// wallEvent is what a client gets: a text, a stream (with its text), or a frame.
type wallEvent struct {
	text   *wallText
	stream *wallStream
	frame  *wallFrame
}

// maxWallEvents is how many events a client holds that the test has not taken, such as those of a minute in which it decodes.
const maxWallEvents = 1 << 14

// wallClient is a client of a wall, which reads all the time and acknowledges every frame at once.
type wallClient struct {
	t      testing.TB
	conn   *websocket.Conn
	ctx    context.Context
	frames wallFrames
	events chan wallEvent // closed with the connection
	err    error          // why; read it after events is closed

	mu      sync.Mutex
	pending map[uint16]uint64 // acknowledgements to send
	wake    chan struct{}
	slow    atomic.Bool
	close   func() // disconnects, and waits
}

// wallURL returns the address of a wall.
func (o wallOptions) wallURL(base string) string {
	query := url.Values{}
	for key, value := range map[string]string{"cameras": strings.Join(o.cameras, ","), "view": o.view, "decodes": strings.Join(o.decodes, ","), "link": o.link} {
		if value != "" {
			query.Set(key, value)
		}
	}
	return strings.Replace(base, "http", "ws", 1) + "/api/v1/wall?" + query.Encode()
}

// tryWall connects to a wall. The client is closed when the test ends.
func tryWall(t testing.TB, base string, o wallOptions) (*wallClient, *http.Response, error) {
	t.Helper()
	if o.client == nil {
		o.client = streamClient
	}
	if o.timeout == 0 {
		o.timeout = 3 * testTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	conn, answer, err := websocket.Dial(ctx, o.wallURL(base), &websocket.DialOptions{HTTPClient: o.client, HTTPHeader: o.header})
	if err != nil {
		cancel()
		return nil, answer, err
	}
	conn.SetReadLimit(1 << 20)
	held := maxWallEvents
	if o.isPaced {
		held = 0
	}
	w := &wallClient{t: t, conn: conn, ctx: ctx, pending: map[uint16]uint64{}, wake: make(chan struct{}, 1), events: make(chan wallEvent, held)}
	var running sync.WaitGroup
	running.Go(w.acknowledge)
	running.Go(w.readAll)
	w.close = sync.OnceFunc(func() { cancel(); _ = conn.CloseNow(); running.Wait() })
	t.Cleanup(w.close)
	return w, answer, nil
}

// dialWall connects to a wall.
func (d *daemon) dialWall(t testing.TB, o wallOptions) *wallClient {
	t.Helper()
	w, _, err := tryWall(t, d.URL, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// send sends a request.
func (w *wallClient) send(request map[string]any) error {
	b, err := json.Marshal(request)
	if err != nil {
		return err
	}
	return w.conn.Write(w.ctx, websocket.MessageText, b)
}

// request sends a request, which must succeed.
func (w *wallClient) request(request map[string]any) {
	w.t.Helper()
	if err := w.send(request); err != nil {
		w.t.Fatal(err)
	}
}

// subscribe subscribes to a camera.
func (w *wallClient) subscribe(camera, view string) {
	w.t.Helper()
	w.request(map[string]any{"type": "subscribe", "camera": camera, "view": view})
}

// next returns the next text or frame. A frame that cannot be decoded is an error.
func (w *wallClient) next() (wallEvent, error) {
	if e, ok := <-w.events; ok {
		return e, nil
	}
	return wallEvent{}, w.err
}

// readAll reads until the connection ends.
func (w *wallClient) readAll() {
	defer close(w.events)
	for {
		e, err := w.read()
		if err != nil {
			w.err = err
			return
		}
		select {
		case w.events <- e:
		case <-w.ctx.Done():
			w.err = w.ctx.Err()
			return
		}
	}
}

// read reads the next text or frame.
func (w *wallClient) read() (wallEvent, error) {
	for {
		kind, b, err := w.conn.Read(w.ctx)
		if err != nil {
			return wallEvent{}, err
		}
		if kind == websocket.MessageText {
			return w.nextText(b)
		}
		f, err := w.frames.add(b)
		if err != nil {
			return wallEvent{}, err
		}
		if f != nil {
			w.seen(f)
			return wallEvent{frame: f}, nil
		}
	}
}

func (w *wallClient) nextText(b []byte) (wallEvent, error) {
	e := wallEvent{text: &wallText{raw: b}}
	if err := json.Unmarshal(b, e.text); err != nil {
		return e, err
	}
	switch e.text.Type {
	case "stream":
		e.stream = &wallStream{}
		if err := json.Unmarshal(b, e.stream); err != nil {
			return e, err
		}
		if e.stream.Reason == "link" {
			w.slow.Store(true)
		}
		return e, w.frames.begin(e.stream)
	case "unsubscribed":
		w.frames.end(e.text.Camera)
	}
	return e, nil
}

// wasSlow reports whether camd has ever found the connection too slow. On a busy machine it can.
func (w *wallClient) wasSlow() bool { return w.slow.Load() }

// until reads until done returns true.
func (w *wallClient) until(what string, done func(wallEvent) bool) {
	w.t.Helper()
	for {
		e, err := w.next()
		if err != nil {
			w.t.Fatalf("before %s: %v", what, err)
		}
		if done(e) {
			return
		}
	}
}

// untilStream reads until a camera has a stream of a track, and a frame of it.
func (w *wallClient) untilStream(camera, track string) (f *wallFrame) {
	w.t.Helper()
	w.until(camera+"'s track "+track, func(e wallEvent) bool {
		f = e.frame
		return f != nil && f.Camera == camera && f.Track == track && !f.isPlaceholder
	})
	return f
}

// drain takes all events until the client is closed. It returns a function that closes the client, waits, and returns the error of a
// connection that has ended before, such as a frame that could not be decoded.
func (w *wallClient) drain() (stop func() error) {
	ended := make(chan error, 1)
	go func() {
		for range w.events {
		}
		if w.ctx.Err() == nil {
			ended <- w.err
		}
		close(ended)
	}()
	stop = sync.OnceValue(func() error { w.close(); return <-ended })
	w.t.Cleanup(func() { _ = stop() })
	return stop
}
