package fanout

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/broker"
)

// testMuxer puts a head in front of each frame: the frame's length, and how many frames the viewer has got.
type testMuxer struct {
	count uint64
	head  [12]byte
	ends  uint64 // Seq of the frame at which the stream ends; 0 for none
}

var errStreamEnds = errors.New("the stream ends here")

func (m *testMuxer) Mux(f *broker.Frame) (head, rest []byte, err error) {
	if f.Seq == m.ends {
		return nil, nil, errStreamEnds
	}
	binary.BigEndian.PutUint32(m.head[:], uint32(len(f.Wire)))
	binary.BigEndian.PutUint64(m.head[4:], m.count+1)
	return m.head[:], f.Wire, nil
}

func (m *testMuxer) Sent() { m.count++ }

// readVideo reads what a viewer with a testMuxer gets, until its stream ends. It checks that frames are complete and in order, and that
// the viewer has every frame that one refers to: in these tests, all since the last keyframe, which are those with a number divisible by group.
func readVideo(r io.Reader, group uint64, pause func()) (frames uint64, err error) {
	last := uint64(0)
	for {
		pause()
		var head [12]byte
		if _, err := io.ReadFull(r, head[:]); err == io.EOF {
			return frames, nil
		} else if err != nil {
			return frames, fmt.Errorf("torn head: %w", err)
		}
		if got := binary.BigEndian.Uint64(head[4:]); got != frames+1 {
			return frames, fmt.Errorf("head of frame %d after %d", got, frames)
		}
		n, err := readFrame(r)
		if err != nil {
			return frames, err
		}
		if n != last+1 && n%group != 0 || n <= last {
			return frames, fmt.Errorf("frame %d after %d", n, last)
		}
		frames, last = frames+1, n
	}
}

// addVideoViewer adds a viewer of video. Its socket buffers are small, so that a slow reader is noticed.
func addVideoViewer(t testing.TB, f *Fanout, topic *broker.Topic, buffer int) *testViewer {
	t.Helper()
	server, client := connPair(t)
	_ = server.SetWriteBuffer(buffer)
	_ = client.(*net.TCPConn).SetReadBuffer(buffer)
	g := &testViewer{client: client, closed: make(chan error, 1)}
	g.Viewer = Viewer{Conn: server, Topic: topic, Counts: &Counts{}, Muxer: &testMuxer{}, OnClose: func(err error) { g.closed <- err }}
	f.Add(&g.Viewer)
	return g
}

// publishVideo publishes frame n; every group-th is a keyframe.
func publishVideo(topic *broker.Topic, n, group uint64, size int) {
	f := frame(n, size)
	f.Key = n%group == 0
	topic.Publish(f)
}

// Viewers of different speeds join at different times. Each reads complete frames that it can decode. Every frame is counted.
func TestEveryVideoFrameIsSentOrCountedAsDropped(t *testing.T) {
	const frames, group, viewers = 600, 10, 24
	topic := broker.NewTopic("t", broker.VideoOptions())
	f := New(Options{WriteTimeout: time.Hour, RepeatAfter: time.Hour, DrainTimeout: time.Hour, ViewersPerSender: 8}) // uses several senders
	defer f.Close()
	var readers sync.WaitGroup
	var testViewers []*testViewer
	var starts []uint64 // frames that a viewer does not pass
	add := func(i int) {
		start := topic.Published() // a viewer starts at the newest keyframe
		if start >= group {
			start = start/group*group - 1
		}
		g := addVideoViewer(t, f, topic, 64<<10)
		testViewers, starts = append(testViewers, g), append(starts, start)
		pause := func() {}
		if i%3 > 0 {
			pause = func() { time.Sleep(time.Duration(rand.IntN(i*2)) * time.Millisecond) } // a slow viewer
		}
		readers.Go(func() {
			read, err := readVideo(g.client, group, pause)
			if sent := g.Counts.Sent.Load(); err != nil || read != sent {
				t.Errorf("viewer %d: read %d frames, %d counted as sent: %v", i, read, sent, err)
			}
		})
	}
	for n := uint64(1); n <= frames; n++ {
		if n%20 == 1 && len(testViewers) < viewers {
			add(len(testViewers))
		}
		publishVideo(topic, n, group, 100+rand.IntN(60_000))
		time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
	}
	dropped := uint64(0)
	for i, g := range testViewers {
		testrun.WaitFor(t, "every frame to be counted", func() bool { return g.accounted() == frames-starts[i] })
		dropped += g.Counts.Dropped()
	}
	if dropped == 0 {
		t.Error("no viewer was slow")
	}
	f.Close()
	readers.Wait()
	if n := topic.Subscriptions(); n != 0 {
		t.Errorf("%d subscriptions left", n)
	}
}

// The socket takes a frame in parts of every size: the viewer gets the bytes in order.
func TestPartOfAFrameIsFollowedByItsRest(t *testing.T) {
	topic := broker.NewTopic("t", broker.VideoOptions())
	f := New(longTimeouts)
	defer f.Close()
	server, client := connPair(t)
	g := &testViewer{client: client, closed: make(chan error, 1)}
	g.Viewer = Viewer{Conn: server, Topic: topic, Counts: &Counts{}, Muxer: &testMuxer{}, OnClose: func(err error) { g.closed <- err }}
	if err := g.prepare(); err != nil {
		t.Fatal(err)
	}
	s := &sender{Fanout: f, topic: topic}
	for limit := 1; limit <= 80; limit++ {
		n := uint64(limit)
		publishVideo(topic, n, 1, 60)
		if !g.takeFrame() {
			t.Fatal("no frame")
		}
		for g.video.frame != nil {
			if _, ok := s.sendPart(&g.Viewer, limit); !ok {
				t.Fatal("the socket is full")
			}
		}
		var head [12]byte
		if _, err := io.ReadFull(client, head[:]); err != nil {
			t.Fatal(err)
		}
		if got, err := readFrame(client); err != nil || got != n {
			t.Fatalf("limit %d: got frame %d, %v", limit, got, err)
		}
	}
	f.remove(&g.Viewer, nil)
}

// A viewer that joins gets its group of pictures in rounds. The other viewers get their frames in between.
func TestJoiningViewerGetsRounds(t *testing.T) {
	const frames, group, size = 30, 1000, 200_000
	topic := broker.NewTopic("t", broker.VideoOptions())
	f := New(longTimeouts)
	defer f.Close()
	for n := uint64(group); n < group+frames; n++ {
		publishVideo(topic, n, group, size)
	}
	g := addVideoViewer(t, f, topic, 4<<20)
	done := make(chan error, 1)
	go func() {
		_, err := readVideo(g.client, group, func() {})
		done <- err
	}()
	testrun.WaitFor(t, "all frames to be sent", func() bool { return g.Counts.Sent.Load() == frames })
	if age, ok := g.Counts.FrameAge(); !ok || age <= 0 {
		t.Errorf("age %v, %v", age, ok)
	}
	f.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// While there are no frames, a viewer stays. One that leaves is noticed.
func TestViewerOfAnIdleVideoStaysUntilItLeaves(t *testing.T) {
	topic := broker.NewTopic("t", broker.VideoOptions())
	f := New(Options{WriteTimeout: 20 * time.Millisecond, RepeatAfter: 10 * time.Millisecond})
	defer f.Close()
	staying, leaving := addVideoViewer(t, f, topic, 64<<10), addVideoViewer(t, f, topic, 64<<10)
	_ = leaving.client.Close()
	if err := <-leaving.closed; err != io.EOF {
		t.Errorf("left with %v", err)
	}
	for range 10 { // the staying viewer's write timeout passes
		other := addVideoViewer(t, f, topic, 64<<10)
		_ = other.client.Close()
		<-other.closed
	}
	publishVideo(topic, 1, 1, 1000)
	testrun.WaitFor(t, "the frame to be sent", func() bool { return staying.Counts.Sent.Load() == 1 })
	select {
	case err := <-staying.closed:
		t.Errorf("closed with %v", err)
	default:
	}
}

func TestStalledViewerOfVideoIsClosed(t *testing.T) {
	topic := broker.NewTopic("t", broker.VideoOptions())
	f := New(Options{WriteTimeout: 100 * time.Millisecond})
	defer f.Close()
	g := addVideoViewer(t, f, topic, 16<<10)
	n := uint64(0)
	testrun.WaitFor(t, "the viewer to be closed", func() bool {
		n++
		publishVideo(topic, n, 10, 100_000)
		select {
		case err := <-g.closed:
			if err == nil {
				t.Error("closed without an error")
			}
			return true
		default:
			return false
		}
	})
}

func TestStreamEndsWhereTheMuxerEndsIt(t *testing.T) {
	topic := broker.NewTopic("t", broker.VideoOptions())
	f := New(longTimeouts)
	defer f.Close()
	server, client := connPair(t)
	g := &testViewer{client: client, closed: make(chan error, 1)}
	g.Viewer = Viewer{Conn: server, Topic: topic, Counts: &Counts{}, Muxer: &testMuxer{ends: 3}, OnClose: func(err error) { g.closed <- err }}
	f.Add(&g.Viewer)
	for n := range uint64(3) {
		publishVideo(topic, n+3, 3, 1000)
	}
	if read, err := readVideo(client, 3, func() {}); err != nil || read != 2 {
		t.Errorf("read %d frames, %v", read, err)
	}
	if err := <-g.closed; !errors.Is(err, errStreamEnds) {
		t.Errorf("closed with %v", err)
	}
	if got := g.accounted(); got != 2 {
		t.Errorf("%d frames counted", got)
	}
}
