package wall

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// pipedTest is a server and a client over net.Pipe, in a bubble of synctest: time passes only while all wait. The client reads all the time.
type pipedTest struct {
	*testServer
	*client
	t        *testing.T
	messages chan message
}

// testPiped runs a test in a bubble of synctest. build makes the cameras.
func testPiped(t *testing.T, build func() []*testCamera, test func(*pipedTest)) {
	t.Helper()
	testPipedWith(t, sessionOptions{}, build, test)
}

func testPipedWith(t *testing.T, o sessionOptions, build func() []*testCamera, test func(*pipedTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, options := newPipedServer(t, 10*time.Second, o, build()...)
		p := &pipedTest{testServer: s, client: s.dialWith(t, options), t: t, messages: make(chan message, 10000)}
		var reading sync.WaitGroup
		reading.Go(p.readAll)
		t.Cleanup(func() { _ = p.conn.CloseNow(); reading.Wait() })
		test(p)
	})
}

// readAll reads until the connection ends.
func (p *pipedTest) readAll() {
	defer close(p.messages)
	for {
		kind, b, err := p.conn.Read(p.ctx)
		if err != nil {
			return
		}
		m, bad := p.parse(kind, b)
		if bad != "" {
			p.t.Errorf("%s: %.300q", bad, b)
			return
		}
		if m != (message{}) {
			p.messages <- m
		}
	}
}

// take returns what the client has got up to now. First it lets time pass.
func (p *pipedTest) take(after time.Duration) (all []message) {
	time.Sleep(after)
	synctest.Wait()
	for {
		select {
		case m := <-p.messages:
			all = append(all, m)
		default:
			return all
		}
	}
}

// round is more time than the session waits between two rounds.
const round = sendInterval + time.Millisecond

// takeSorted returns the notices, streams and frames of what the client got in the time.
func (p *pipedTest) takeSorted(after time.Duration) (notices []serverMessage, streams []streamMessage, frames []receivedFrame) {
	for _, m := range p.take(after) {
		switch {
		case m.notice != nil:
			notices = append(notices, *m.notice)
		case m.stream != nil:
			streams = append(streams, *m.stream)
		default:
			frames = append(frames, *m.frame)
		}
	}
	return notices, streams, frames
}

// takeStream returns the frames of what the client got in the time, which must begin with one stream of a track.
func (p *pipedTest) takeStream(after time.Duration, track, reason string) (streamMessage, []receivedFrame) {
	p.t.Helper()
	notices, streams, frames := p.takeSorted(after)
	if len(notices) > 0 || len(streams) != 1 || streams[0].Track != track || streams[0].Reason != reason {
		p.t.Fatalf("got %+v and %+v, want a stream of %s for the reason %q", notices, streams, track, reason)
	}
	for _, f := range frames {
		if f.stream != streams[0].Stream {
			p.t.Errorf("a frame of stream %d after stream %d has begun", f.stream, streams[0].Stream)
		}
	}
	return streams[0], frames
}

// play sends frames of a video at 25 a second, and lets the client acknowledge each when it comes if it shall. It returns what the client
// got.
func (p *pipedTest) play(c *testCamera, tracks map[string]*video, frames int, acks bool) (all []message) {
	for range frames {
		for track, v := range tracks {
			c.send(track, v, 1)
		}
		got := p.take(time.Second / 25)
		for _, m := range got {
			if m.frame != nil && acks {
				p.ack(m.frame.stream, m.frame.seq)
			}
		}
		all = append(all, got...)
	}
	return all
}

// hello tells the server what the client decodes: H.264.
func (p *pipedTest) hello() {
	p.client.send(clientMessage{Type: "hello", Decodes: []string{"avc1.640033"}})
}

// watch subscribes to a camera.
func (p *pipedTest) watch(camera, view string) {
	p.t.Helper()
	p.client.send(clientMessage{Type: "subscribe", Camera: camera, View: view})
	synctest.Wait()
	if m := <-p.messages; m.notice == nil || m.notice.Type != "subscribed" || m.notice.Camera != camera || m.notice.View != view {
		p.t.Fatalf("%+v", m)
	}
}

// newPipedServer is newTestServerWith over net.Pipe instead of TCP. It accepts one connection, which the returned options dial.
func newPipedServer(t testing.TB, timeout time.Duration, o sessionOptions, cameras ...*testCamera) (*testServer, *websocket.DialOptions) {
	t.Helper()
	s, handler := buildTestServer(t, timeout, o, cameras...)
	s.url = "ws://piped"
	local, remote := net.Pipe()
	l := &pipeListener{conns: make(chan net.Conn, 1)}
	l.conns <- remote
	server := &http.Server{Handler: handler}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { s.stop(); s.sessions.Wait(); _ = server.Close(); serving.Wait() })
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return local, nil }}
	return s, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}}
}

// pipeListener accepts the connections of a channel.
type pipeListener struct{ conns chan net.Conn }

func (p *pipeListener) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pipeListener) Close() error { close(p.conns); return nil }

func (p *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "piped"} }

// checkDecodable checks that a client can decode all frames: each follows the one before, or is a keyframe.
func checkDecodable(t testing.TB, frames []receivedFrame) {
	t.Helper()
	last := map[uint16]uint64{}
	for i, f := range frames {
		if f.flags&flagKey == 0 && f.seq != last[f.stream]+1 {
			t.Errorf("frame number %d is %d of stream %d after %d, and is no keyframe", i, f.seq, f.stream, last[f.stream])
		}
		last[f.stream] = f.seq
	}
}

// framesOf returns the frames of what a client got.
func framesOf(all []message) (frames []receivedFrame) {
	for _, m := range all {
		if m.frame != nil {
			frames = append(frames, *m.frame)
		}
	}
	return frames
}

// streamsOf returns the tracks and reasons of the streams that a client got.
func streamsOf(all []message) (streams [][2]string) {
	for _, m := range all {
		if m.stream != nil {
			streams = append(streams, [2]string{m.stream.Track, m.stream.Reason})
		}
	}
	return streams
}

// testVideo is testPiped with a camera of video, gate, which the client watches in the view full.
func testVideo(t *testing.T, run func(p *pipedTest, gate *testCamera, v *video)) {
	t.Helper()
	v := newVideo(t, clip)
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate")} }
	testPiped(t, build, func(p *pipedTest) {
		p.hello()
		p.watch("gate", "full")
		run(p, p.cameras["gate"], v)
	})
}
