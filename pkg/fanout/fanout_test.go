package fanout

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"camd/internal/testrun"
	"camd/internal/writetimeout"
	"camd/pkg/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// frame n holds its length, its number, and bytes that follow from the number.
func frame(n uint64, size int) broker.Frame {
	b := binary.BigEndian.AppendUint32(nil, uint32(size))
	b = binary.BigEndian.AppendUint64(b, n)
	b = append(b, bytes.Repeat([]byte{byte(n)}, size-len(b))...)
	return broker.Frame{Key: true, Wire: b, Captured: time.Now()}
}

// readFrame reads a frame and checks that it is complete.
func readFrame(r io.Reader) (uint64, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint64(head[4:])
	rest := make([]byte, binary.BigEndian.Uint32(head[:])-12)
	if _, err := io.ReadFull(r, rest); err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	if bytes.Count(rest, []byte{byte(n)}) != len(rest) {
		return 0, errors.New("torn frame")
	}
	return n, nil
}

// connPair returns both ends of a connection.
func connPair(t testing.TB) (server *net.TCPConn, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return c.(*net.TCPConn), client
}

// longTimeouts keep tests independent of time: a busy machine may take long for a frame.
var longTimeouts = Options{WriteTimeout: time.Hour, RepeatAfter: time.Hour, DrainTimeout: time.Hour}

// testViewer is a viewer with its client's end and the error of OnClose.
type testViewer struct {
	Viewer
	client net.Conn
	closed chan error
}

func addViewer(t testing.TB, f *Fanout, topic *broker.Topic, filter func(*broker.Frame) Decision) *testViewer {
	t.Helper()
	server, client := connPair(t)
	g := &testViewer{client: client, closed: make(chan error, 1)}
	g.Viewer = Viewer{Conn: server, Topic: topic, Counts: &Counts{}, Filter: filter, OnClose: func(err error) { g.closed <- err }}
	f.Add(&g.Viewer)
	return g
}

func (t *testViewer) accounted() uint64 {
	return t.Counts.Sent.Load() + t.Counts.Dropped()
}

// All kinds of viewers run at once. Each reads complete frames in order and continues with the newest. Every frame is counted.
func TestEveryFrameIsSentOrCountedAsSkipped(t *testing.T) {
	const frames, viewers = 400, 24
	topic := broker.NewTopic("t", broker.Options{})
	f := New(Options{WriteTimeout: time.Hour, RepeatAfter: time.Hour, DrainTimeout: time.Hour, ViewersPerSender: 8}) // uses several senders
	defer f.Close()
	topic.Publish(frame(1, 1000))
	var readers sync.WaitGroup
	var testViewers []*testViewer
	for i := range viewers {
		var filter func(*broker.Frame) Decision
		if i%3 == 1 {
			n := 0
			filter = func(*broker.Frame) Decision { n++; return Decision(n % 3) }
		}
		g := addViewer(t, f, topic, filter)
		testViewers = append(testViewers, g)
		pause := time.Duration(0)
		if i%3 == 2 {
			_ = g.client.(*net.TCPConn).SetReadBuffer(128 << 10)
			pause = time.Millisecond
		}
		readers.Go(func() {
			read, before := uint64(0), uint64(0)
			for {
				n, err := readFrame(g.client)
				if err == io.EOF {
					break
				}
				if err != nil || n <= before {
					t.Errorf("viewer %d: frame %d after %d, %v", i, n, before, err)
					return
				}
				read, before = read+1, n
				time.Sleep(pause) // a slow viewer
			}
			if sent := g.Counts.Sent.Load(); read != sent {
				t.Errorf("viewer %d: read %d frames, %d counted as sent", i, read, sent)
			}
		})
	}
	for n := uint64(2); n <= frames; n++ {
		topic.Publish(frame(n, 1000+rand.IntN(200_000)))
		time.Sleep(time.Duration(rand.IntN(2)) * time.Millisecond)
	}
	for i, g := range testViewers {
		testrun.WaitFor(t, "every frame to be counted", func() bool { return g.accounted() == frames })
		if i%3 == 1 && g.Counts.DroppedRate.Load() == 0 {
			t.Errorf("viewer %d asked for fewer frames, but no frame was left out for that", i)
		}
	}
	f.Close()
	readers.Wait()
	for _, g := range testViewers {
		if err := <-g.closed; err != nil {
			t.Errorf("left with %v", err)
		}
	}
	if n := topic.Subscriptions(); n != 0 {
		t.Errorf("%d subscriptions left", n)
	}
}

func TestStalledViewerIsClosedAndDelaysNoOther(t *testing.T) {
	topic := broker.NewTopic("t", broker.Options{})
	f := New(Options{WriteTimeout: 200 * time.Millisecond})
	defer f.Close()
	stalled, other := addViewer(t, f, topic, nil), addViewer(t, f, topic, nil)
	n := uint64(0)
	var err error
	testrun.WaitFor(t, "the stalled viewer to be cut off", func() bool {
		n++
		topic.Publish(frame(n, 1<<20))
		if got, rerr := readFrame(other.client); rerr != nil || got != n {
			t.Fatalf("the other got %d, %v; want %d", got, rerr, n)
		}
		select {
		case err = <-stalled.closed:
			return true
		default:
			return false
		}
	})
	if !writetimeout.IsExceeded(err) {
		t.Errorf("cut with %v", err)
	}
	if got := stalled.accounted(); got == 0 {
		t.Error("nothing was counted for it")
	}
}

// A viewer that reads again after a pause gets the newest frame, and not the frames that it missed.
func TestSlowViewerContinuesWithNewestFrame(t *testing.T) {
	topic := broker.NewTopic("t", broker.Options{})
	f := New(longTimeouts)
	defer f.Close()
	g := addViewer(t, f, topic, nil)
	const frames = 100 // the kernel holds ten of them
	for n := range uint64(frames) {
		topic.Publish(frame(n+1, 1<<20))
	}
	read := 0
	for {
		n, err := readFrame(g.client)
		if err != nil {
			t.Fatal(err)
		}
		if read++; n == frames {
			break
		}
	}
	if read > frames/2 {
		t.Errorf("%d of %d frames waited for a viewer that did not read", read, frames)
	}
	testrun.WaitFor(t, "all frames to be counted", func() bool { return g.accounted() == frames })
}

func TestLastFrameIsRepeatedOnce(t *testing.T) {
	topic := broker.NewTopic("t", broker.Options{})
	f := New(Options{RepeatAfter: 20 * time.Millisecond})
	defer f.Close()
	g := addViewer(t, f, topic, nil)
	topic.Publish(frame(1, 100))
	for i, want := range []uint64{1, 1, 2, 2, 3} {
		if i == 2 || i == 4 {
			topic.Publish(frame(want, 100))
		}
		if n, err := readFrame(g.client); err != nil || n != want {
			t.Fatalf("read %d, %v; want %d", n, err, want)
		}
	}
	testrun.WaitFor(t, "three frames to be counted, without the repeated one", func() bool { return g.Counts.Sent.Load() == 3 })
}

func TestSenderEndsWithItsLastViewer(t *testing.T) {
	topic := broker.NewTopic("t", broker.Options{})
	f := New(Options{})
	defer f.Close()
	topic.Publish(frame(1, 1000))
	for range 300 {
		g := addViewer(t, f, topic, nil)
		if _, err := readFrame(g.client); err != nil {
			t.Fatal(err)
		}
		_ = g.client.Close()
	}
	testrun.WaitFor(t, "all viewers to be gone", func() bool {
		topic.Publish(frame(2, 1000))
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.senders) == 0 && topic.Subscriptions() == 0
	})
}

func TestAddAfterCloseClosesTheConnection(t *testing.T) {
	f := New(Options{})
	f.Close()
	g := addViewer(t, f, broker.NewTopic("t", broker.Options{}), nil)
	if err := <-g.closed; err != nil {
		t.Errorf("left with %v", err)
	}
	if _, err := g.client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("connection not closed: %v", err)
	}
}

func TestCloseEndsStreamsAtAFrameBoundary(t *testing.T) {
	topic := broker.NewTopic("t", broker.Options{})
	f := New(longTimeouts)
	g := addViewer(t, f, topic, nil)
	for n := range uint64(50) {
		topic.Publish(frame(n+1, 1<<20))
	}
	done := make(chan error)
	go func() {
		for {
			if _, err := readFrame(g.client); err != nil {
				done <- err
				return
			}
		}
	}()
	f.Close()
	if err := <-done; err != io.EOF {
		t.Errorf("stream ended with %v, want an end between frames", err)
	}
}

// A viewer that reads nothing holds only one frame, however many are published: see docs/performance.md, Memory.
func TestMemoryIsBounded(t *testing.T) {
	const viewers, size, frames = 100, 200_000, 2000
	topic := broker.NewTopic("t", broker.Options{})
	f := New(Options{WriteTimeout: time.Hour, RepeatAfter: time.Hour}) // Close must not wait for viewers that read nothing
	defer f.Close()
	for range viewers {
		addViewer(t, f, topic, nil)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before := heap()
	for n := range uint64(frames) {
		topic.Publish(frame(n+1, size))
	}
	const perViewer = 16 << 10
	if grown, most := heap()-before, uint64(broker.DefaultDepth*size+viewers*(size+perViewer)); int64(grown) > int64(most) {
		t.Errorf("grown by %d bytes over %d frames, at most %d expected", grown, frames, most)
	}
}
