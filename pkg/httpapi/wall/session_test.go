package wall

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"camd/pkg/broker"
	"camd/pkg/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testServer is a server of walls, with cameras whose pictures the test decides.
type testServer struct {
	topics map[string]*broker.Topic
	url    string

	mu                  sync.Mutex
	sent, dropped, left int
	cut                 int
	stop                func()
	refuseJoins         atomic.Bool
	sessions            sync.WaitGroup // of the connected clients
}

func newTestServer(t testing.TB, cameras ...string) *testServer {
	t.Helper()
	return newTestServerWith(t, 10*time.Second, sessionOptions{}, cameras...)
}

func newTestServerWith(t testing.TB, timeout time.Duration, o sessionOptions, cameras ...string) *testServer {
	t.Helper()
	s := &testServer{topics: map[string]*broker.Topic{}}
	for _, id := range cameras {
		s.topics[id] = broker.NewTopic(id, broker.Options{})
	}
	o.Join = s.join
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	server := httptest.NewUnstartedServer(s.handler(ctx, t, timeout, o))
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if err := c.(*net.TCPConn).SetWriteBuffer(64 << 10); err != nil { // so that the kernel does not buffer for a client that reads nothing
			t.Error(err)
		}
		return ctx
	}
	server.Start()
	t.Cleanup(func() { stop(); s.sessions.Wait(); server.Close() })
	s.url = strings.Replace(server.URL, "http", "ws", 1)
	return s
}

// handler serves sessions until ctx ends.
func (s *testServer) handler(ctx context.Context, t testing.TB, timeout time.Duration, o sessionOptions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.sessions.Add(1)
		defer s.sessions.Done()
		conn, err := Accept(w, r, timeout)
		if err != nil {
			t.Error(err)
			return
		}
		serveSession(ctx, conn, o)
	})
}

// newPipedServer is newTestServerWith over net.Pipe instead of TCP, for tests with synctest. It accepts one connection, which the
// returned options dial.
func newPipedServer(t testing.TB, timeout time.Duration, cameras ...string) (*testServer, *websocket.DialOptions) {
	t.Helper()
	s := &testServer{topics: map[string]*broker.Topic{}, url: "ws://piped"}
	for _, id := range cameras {
		s.topics[id] = broker.NewTopic(id, broker.Options{})
	}
	ctx, stop := context.WithCancel(context.Background())
	local, remote := net.Pipe()
	l := &pipeListener{conns: make(chan net.Conn, 1)}
	l.conns <- remote
	server := &http.Server{Handler: s.handler(ctx, t, timeout, sessionOptions{Join: s.join})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { stop(); s.sessions.Wait(); _ = server.Close(); serving.Wait() })
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

func (s *testServer) join(camera, rendition string) (Stream, error) {
	if s.topics[camera] == nil || s.refuseJoins.Load() {
		return nil, errors.New("no camera " + camera)
	}
	if rendition == "huge" {
		return nil, errors.New("no rendition " + rendition)
	}
	return testStream{s, s.topics[camera]}, nil
}

type testStream struct {
	*testServer
	topic *broker.Topic
}

func (t testStream) Topic() *broker.Topic { return t.topic }

func (t testStream) Sent(*broker.Frame, int) { t.add(&t.sent, 1) }

func (t testStream) Dropped(n uint64) { t.add(&t.dropped, int(n)) }

func (t testStream) Leave(cut bool) {
	t.add(&t.left, 1)
	if cut {
		t.add(&t.cut, 1)
	}
}

func (s *testServer) add(counter *int, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*counter += n
}

// waitForSubscriptions waits until n subscriptions of a camera are open.
func (s *testServer) waitForSubscriptions(t testing.TB, camera string, n int) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); s.topics[camera].Subscriptions() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d watch %s, want %d", s.topics[camera].Subscriptions(), camera, n)
		}
	}
}

func (s *testServer) publish(camera string, size int) {
	s.topics[camera].Publish(broker.Frame{Captured: time.UnixMicro(1234567), Key: true, Format: media.NewJPEGFormat(640, 360), Data: make([]byte, size)})
}

// client is the client of a wall.
type client struct {
	t    *testing.T
	conn *websocket.Conn
	ctx  context.Context
}

func (s *testServer) dial(t *testing.T) *client {
	t.Helper()
	return s.dialWith(t, nil)
}

func (s *testServer) dialWith(t *testing.T, o *websocket.DialOptions) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	conn, _, err := websocket.Dial(ctx, s.url, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	conn.SetReadLimit(10 << 20)
	t.Cleanup(func() { _ = conn.CloseNow(); cancel() })
	c := &client{t, conn, ctx}
	if n := c.readNotice(); n.Type != "hello" || n.Version != Version {
		t.Fatalf("greeted with %+v", n)
	}
	return c
}

func (c *client) send(r clientMessage) {
	c.t.Helper()
	text, _ := json.Marshal(r)
	if err := c.conn.Write(c.ctx, websocket.MessageText, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) read(want websocket.MessageType) []byte {
	c.t.Helper()
	kind, b, err := c.conn.Read(c.ctx)
	if err != nil || kind != want {
		c.t.Fatalf("%v %q, %v", kind, b, err)
	}
	return b
}

func (c *client) readNotice() (n serverMessage) {
	c.t.Helper()
	if err := json.Unmarshal(c.read(websocket.MessageText), &n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// readFrame reads a message as docs/protocol.md describes it.
func (c *client) readFrame() (camera, rendition string, seq uint64, jpeg int) {
	c.t.Helper()
	b := c.read(websocket.MessageBinary)
	names := int(binary.BigEndian.Uint16(b[24:]))
	at := int(binary.BigEndian.Uint16(b[2:]))
	if b[0] != Version || b[1] != 0 || binary.BigEndian.Uint64(b[12:]) != 1234567 ||
		binary.BigEndian.Uint16(b[20:]) != 640 || binary.BigEndian.Uint16(b[22:]) != 360 || at != 28+names+int(binary.BigEndian.Uint16(b[26:])) {
		c.t.Fatalf("% x", b[:28])
	}
	return string(b[28 : 28+names]), string(b[28+names : at]), binary.BigEndian.Uint64(b[4:]), len(b) - at
}

func (c *client) expectFrame(camera string, seq uint64) {
	c.t.Helper()
	if got, _, n, _ := c.readFrame(); got != camera || n != seq {
		c.t.Fatalf("picture %d of %s, want %d of %s", n, got, seq, camera)
	}
}

func TestClientGetsNewestFramesAsItAcknowledges(t *testing.T) {
	s := newTestServer(t, "gate")
	c := s.dial(t)
	c.send(clientMessage{Type: "subscribe", Camera: "gate"})
	if n := c.readNotice(); n.Type != "subscribed" || n.Camera != "gate" || n.Rendition != "preview" {
		t.Fatalf("%+v", n)
	}
	for seq := uint64(1); seq <= maxUnacked; seq++ {
		s.publish("gate", 1000)
		c.expectFrame("gate", seq)
	}
	for range 7 { // it has acknowledged nothing
		s.publish("gate", 1000)
	}
	c.send(clientMessage{Type: "nonsense"})
	if n := c.readNotice(); n.Type != "error" {
		t.Fatalf("%+v", n) // and no picture
	}
	c.send(clientMessage{Type: "ack", Camera: "gate", Seq: 1})
	c.expectFrame("gate", maxUnacked+7)
	c.send(clientMessage{Type: "unsubscribe", Camera: "gate"})
	c.readNotice()
	s.waitForSubscriptions(t, "gate", 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent != maxUnacked+1 || s.dropped != 6 || s.left != 1 {
		t.Errorf("sent %d, dropped %d, left %d", s.sent, s.dropped, s.left)
	}
}

func TestOneAckCoversSeveralCameras(t *testing.T) {
	s := newTestServer(t, "gate", "yard")
	c := s.dial(t)
	for _, id := range []string{"gate", "yard"} {
		c.send(clientMessage{Type: "subscribe", Camera: id})
		c.readNotice()
		for seq := uint64(1); seq <= maxUnacked; seq++ {
			s.publish(id, 10)
			c.expectFrame(id, seq)
		}
	}
	c.send(clientMessage{Type: "ack", Seen: map[string]uint64{"gate": 1, "yard": 2, "shed": 3}})
	s.publish("gate", 10)
	c.expectFrame("gate", maxUnacked+1)
	s.publish("yard", 10)
	c.expectFrame("yard", maxUnacked+1)
}

// A camera with many large pictures takes turns with the others.
func TestLargeFramesDoNotStarveOtherCameras(t *testing.T) {
	s := newTestServer(t, "big", "small")
	c := s.dial(t)
	for id := range s.topics {
		c.send(clientMessage{Type: "subscribe", Camera: id, Rendition: "main"})
		c.readNotice()
	}
	stop := make(chan struct{})
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.publish("big", 1<<20)
				s.publish("small", 100)
				time.Sleep(time.Millisecond)
			}
		}
	})
	got := map[string]int{}
	for got["big"] < 30 {
		camera, rendition, seq, size := c.readFrame()
		if rendition != "main" || camera == "big" != (size == 1<<20) {
			t.Errorf("%s %s of %d bytes", camera, rendition, size)
		}
		got[camera]++
		c.send(clientMessage{Type: "ack", Camera: camera, Seq: seq})
	}
	close(stop)
	publisher.Wait()
	if got["small"] < 25 {
		t.Errorf("got %v: the big camera starves the small one", got)
	}
}

func TestPausedClientHasNoSubscriptions(t *testing.T) {
	s := newTestServer(t, "gate")
	c := s.dial(t)
	c.send(clientMessage{Type: "subscribe", Camera: "gate"})
	c.readNotice()
	s.waitForSubscriptions(t, "gate", 1)
	c.send(clientMessage{Type: "pause"})
	s.waitForSubscriptions(t, "gate", 0)
	s.publish("gate", 10)
	s.publish("gate", 10)
	c.send(clientMessage{Type: "resume"})
	c.expectFrame("gate", 2)
}

func TestInvalidRequestsKeepTheSession(t *testing.T) {
	s := newTestServer(t, "gate")
	c := s.dial(t)
	for _, text := range []string{"", "[]", `{"type":"subscribe","camera":"shed"}`, `{"type":"subscribe"}`, `{"type":"ack","seq":-1}`, `{}`} {
		if err := c.conn.Write(c.ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if n := c.readNotice(); n.Type != "error" || n.Message == "" {
			t.Errorf("%q: %+v", text, n)
		}
	}
	c.send(clientMessage{Type: "subscribe", Camera: "gate", Rendition: "main"})
	c.readNotice()
	c.send(clientMessage{Type: "subscribe", Camera: "gate", Rendition: "huge"})
	if n := c.readNotice(); n.Type != "error" {
		t.Errorf("%+v", n)
	}
	s.publish("gate", 10)
	if _, rendition, _, _ := c.readFrame(); rendition != "main" {
		t.Errorf("%s after another was refused", rendition)
	}
	c.send(clientMessage{Type: "ack", Camera: "shed", Seq: 1})
	c.send(clientMessage{Type: "subscribe", Camera: "gate"})
	if n := c.readNotice(); n.Type != "subscribed" {
		t.Errorf("%+v", n)
	}
	_ = c.conn.CloseNow()
	s.waitForSubscriptions(t, "gate", 0)
}

// A page cannot see pings, so it gets notices that the connection is alive.
func TestQuietSessionSendsAliveNotices(t *testing.T) {
	s := newTestServerWith(t, 10*time.Second, sessionOptions{AliveInterval: 20 * time.Millisecond}, "gate")
	c := s.dial(t)
	for range 3 {
		if n := c.readNotice(); n != (serverMessage{Type: "alive"}) {
			t.Fatalf("%+v", n)
		}
	}
}

func TestPausedClientGetsErrors(t *testing.T) {
	s := newTestServer(t, "gate")
	c := s.dial(t)
	c.send(clientMessage{Type: "pause"})
	c.send(clientMessage{Type: "subscribe", Camera: "shed"})
	if n := c.readNotice(); n.Type != "error" || n.Camera != "shed" {
		t.Fatalf("%+v", n)
	}
	c.send(clientMessage{Type: "subscribe", Camera: "gate"})
	if n := c.readNotice(); n.Type != "subscribed" || n.Camera != "gate" {
		t.Fatalf("%+v", n)
	}
	s.waitForSubscriptions(t, "gate", 0)
	s.publish("gate", 10)
	c.send(clientMessage{Type: "resume"})
	c.expectFrame("gate", 1)
}

// A camera whose stream cannot be joined again is unsubscribed.
func TestRefusedResumeUnsubscribes(t *testing.T) {
	s := newTestServer(t, "gate")
	c := s.dial(t)
	c.send(clientMessage{Type: "subscribe", Camera: "gate"})
	c.readNotice()
	s.refuseJoins.Store(true)
	c.send(clientMessage{Type: "pause"})
	c.send(clientMessage{Type: "resume"})
	if n := c.readNotice(); n.Type != "error" || n.Camera != "gate" {
		t.Fatalf("%+v", n)
	}
	if n := c.readNotice(); n.Type != "unsubscribed" || n.Camera != "gate" {
		t.Fatalf("%+v", n)
	}
}

// A camera that is removed is unsubscribed and its stream is left. It can be joined again. The other cameras continue.
func TestEndedStreamUnsubscribesAndCanBeJoinedAgain(t *testing.T) {
	s := newTestServer(t, "gate", "yard")
	c := s.dial(t)
	for _, id := range []string{"gate", "yard"} {
		c.send(clientMessage{Type: "subscribe", Camera: id})
		if n := c.readNotice(); n.Type != "subscribed" {
			t.Fatalf("%+v", n)
		}
	}
	ended := s.topics["gate"]
	ended.End()
	if n := c.readNotice(); n != (serverMessage{Type: "unsubscribed", Camera: "gate", Message: "this stream has ended"}) {
		t.Errorf("%+v", n)
	}
	s.waitForSubscriptions(t, "gate", 0)
	s.publish("yard", 10)
	c.expectFrame("yard", 1)
	s.topics["gate"] = broker.NewTopic("gate", broker.Options{}) // nobody joins at present
	c.send(clientMessage{Type: "subscribe", Camera: "gate"})
	if n := c.readNotice(); n.Type != "subscribed" {
		t.Errorf("%+v", n)
	}
	s.publish("gate", 10)
	c.expectFrame("gate", 1)
}

func TestClientWithoutAcksIsCut(t *testing.T) {
	s := newTestServerWith(t, 10*time.Second, sessionOptions{AckTimeout: 100 * time.Millisecond}, "gate", "yard")
	c := s.dial(t)
	for _, id := range []string{"gate", "yard"} {
		c.send(clientMessage{Type: "subscribe", Camera: id})
		c.readNotice()
	}
	s.publish("gate", 10)
	c.expectFrame("gate", 1)
	_, _, err := c.conn.Read(c.ctx)
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation || !strings.Contains(err.Error(), "camera gate") {
		t.Errorf("%v", err)
	}
	s.waitForSubscriptions(t, "gate", 0)
	s.waitForSubscriptions(t, "yard", 0)
	s.sessions.Wait()
	if s.cut != 2 || s.left != 2 {
		t.Errorf("%d left, %d of them cut", s.left, s.cut)
	}
}

// A client that reads nothing is disconnected when a message takes too long.
func TestClientThatReadsNothingIsCut(t *testing.T) {
	s := newTestServerWith(t, 200*time.Millisecond, sessionOptions{}, "gate")
	c := s.dial(t)
	c.send(clientMessage{Type: "subscribe", Camera: "gate"})
	c.readNotice()
	s.publish("gate", 32<<20) // more than the kernel takes for both ends
	s.waitForSubscriptions(t, "gate", 0)
	s.sessions.Wait()
	if s.cut != 1 || s.sent != 0 {
		t.Errorf("%d cut after %d pictures", s.cut, s.sent)
	}
}

// A client that keeps taking bytes is not disconnected, however long a picture takes.
func TestSlowClientIsNotCut(t *testing.T) {
	const timeout, size, portion = 2 * time.Second, 4 << 20, 32 << 10 // the picture is through before the first ping: synctest cannot wait for its lock
	synctest.Test(t, func(t *testing.T) {
		s, options := newPipedServer(t, timeout, "gate")
		c := s.dialWith(t, options)
		c.conn.SetReadLimit(2 * size)
		c.send(clientMessage{Type: "subscribe", Camera: "gate"})
		c.readNotice()
		s.publish("gate", size)
		_, r, err := c.conn.Reader(c.ctx)
		if err != nil {
			t.Fatal(err)
		}
		link := time.NewTicker(4 * timeout * portion / size) // a picture takes four times the timeout
		defer link.Stop()
		got, start := 0, time.Now()
		for b := make([]byte, portion); err == nil; <-link.C {
			var n int
			n, err = io.ReadFull(r, b)
			got += n
		}
		if took := time.Since(start); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || got < size || took < 3*timeout {
			t.Errorf("the client got %d bytes in %v, then %v", got, took, err)
		}
	})
}

// A client that takes bytes of a message counts as alive, even if a ping is not answered.
func TestWriteProgressCountsAsLiveness(t *testing.T) {
	s := &session{}
	s.writer.mu.Lock()
	if !s.isResponsive() {
		t.Error("cut while something is written")
	}

	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		conn, err := Accept(w, r, time.Minute)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		s := &session{ctx: t.Context(), conn: conn, opts: sessionOptions{pongTimeout: 50 * time.Millisecond}}
		if s.isResponsive() {
			t.Error("found somebody who answers nothing")
		}
		s.opts.pongTimeout = time.Second // a busy machine needs more time for the writes below
		stop, writing := make(chan struct{}), sync.WaitGroup{}
		writing.Go(func() {
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					conn.progress.slowWrites.Add(1)
				}
			}
		})
		if !s.isResponsive() {
			t.Error("cut while it takes a message")
		}
		close(stop)
		writing.Wait()
	}))
	defer server.Close()
	conn, _, err := websocket.Dial(t.Context(), server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow() // and nobody reads
	<-done
}

// Shutdown does not wait for a client that takes nothing.
func TestShutdownDoesNotWaitForStalledClient(t *testing.T) {
	s := newTestServerWith(t, time.Hour, sessionOptions{}, "gate")
	c := s.dial(t)
	c.send(clientMessage{Type: "subscribe", Camera: "gate"})
	c.readNotice()
	s.publish("gate", 32<<20)
	if _, r, err := c.conn.Reader(c.ctx); err != nil { // the message has begun
		t.Fatal(err)
	} else if _, err := io.ReadFull(r, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	s.stop()
	s.sessions.Wait()
	if s.cut != 0 || s.left != 1 || s.sent != 0 {
		t.Errorf("%d left, %d of them cut, %d pictures", s.left, s.cut, s.sent)
	}
}

// A client that acknowledges late, has nothing to acknowledge, or is paused is not disconnected.
func TestLateAcksKeepTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const almostTimeout = 2*time.Minute - time.Second
		s := &session{opts: sessionOptions{}.withDefaults(), wake: make(chan struct{}, 1), subscriptions: map[string]*subscription{}}
		gate := &subscription{camera: "gate", stream: testStream{}, unacked: []uint64{1, 2}, unackedSince: time.Now()}
		s.subscriptions["gate"], s.roundRobin = gate, []*subscription{gate}
		checkNotCut := func(when string) {
			t.Helper()
			if id, ok := s.overdueAck(); ok || id != "" {
				t.Errorf("cut %s", when)
			}
		}
		time.Sleep(almostTimeout)
		checkNotCut("before its time")
		s.handleRequest(clientMessage{Type: "ack", Camera: "gate", Seq: 1})
		time.Sleep(almostTimeout)
		checkNotCut("after it acknowledged one of two")
		s.handleRequest(clientMessage{Type: "ack", Camera: "gate", Seq: 2})
		time.Sleep(2 * almostTimeout)
		checkNotCut("with nothing to acknowledge")
		gate.unacked, gate.unackedSince = []uint64{3}, time.Now()
		time.Sleep(almostTimeout)
		s.handleRequest(clientMessage{Type: "ack", Camera: "gate", Seq: 2})
		time.Sleep(almostTimeout)
		if _, ok := s.overdueAck(); !ok {
			t.Error("spared for acknowledging what it had acknowledged")
		}
		gate.unacked, gate.stream = []uint64{3}, nil
		checkNotCut("while paused")
		gate.stream = testStream{}
		if id, ok := s.overdueAck(); !ok || id != "gate" {
			t.Error("not cut when it was due")
		}
	})
}
