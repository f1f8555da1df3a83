package fanout

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/broker"
)

// There are 1000 viewers: 100 read nothing, and 100 read slowly. The other 800 still get every frame.
func TestSlowAndStalledViewersCostOthersNoFrame(t *testing.T) {
	const size, frames = 20_000, 60
	topic := broker.NewTopic("t", broker.Options{})
	f := New(Options{WriteTimeout: time.Minute, RepeatAfter: time.Hour})
	defer f.Close()
	addViewers := func(n int, read func(net.Conn)) (testViewers []*testViewer, done func()) {
		var readers sync.WaitGroup
		for range n {
			g := addViewer(t, f, topic, nil)
			_ = g.client.(*net.TCPConn).SetReadBuffer(size) // else the kernel would buffer everything
			_ = g.Conn.(*net.TCPConn).SetWriteBuffer(size)
			testViewers = append(testViewers, g)
			readers.Go(func() { read(g.client) })
		}
		return testViewers, readers.Wait
	}
	n := uint64(0)
	fast, end := addViewers(800, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	// The next frame is published when all 800 have the last one. If they waited for the slow viewers, no frame would follow.
	publish := func() {
		for range frames {
			n++
			topic.Publish(frame(n, size))
			testrun.WaitFor(t, "all 800 viewers to have the frame", func() bool {
				for _, g := range fast {
					if g.Counts.Sent.Load() < n {
						return false
					}
				}
				return true
			})
		}
	}
	publish()
	quit := make(chan struct{})
	stalled, endStalled := addViewers(100, func(net.Conn) { <-quit })
	slow, endSlow := addViewers(100, func(c net.Conn) {
		chunk := make([]byte, size/10)
		for sub := topic.Subscribe(broker.Latest); ; {
			updated := sub.Updated()
			if sub.TryNext() != nil {
				if _, err := io.ReadFull(c, chunk); err != nil {
					t.Errorf("slow viewer: %v", err)
				}
				continue
			}
			select {
			case <-updated:
			case <-quit:
				sub.Close()
				return
			}
		}
	})
	publish()
	for _, g := range fast {
		if lost := g.accounted() - g.Counts.Sent.Load(); lost != 0 || g.Counts.Sent.Load() != n {
			t.Fatalf("one of the 800 got %d of %d frames and lost %d", g.Counts.Sent.Load(), n, lost)
		}
	}
	for what, group := range map[string][]*testViewer{"stalled": stalled, "slow": slow} {
		behind := 0
		for _, g := range group {
			if g.Counts.Sent.Load() < frames {
				behind++
			}
		}
		if behind == 0 {
			t.Errorf("the %s viewers got every frame, so they were not slow", what)
		}
	}
	close(quit)
	endStalled()
	endSlow()
	for _, g := range append(stalled, slow...) {
		_ = g.client.Close()
	}
	f.Close()
	end()
}

// The wait also returns if the socket became writable after the failed send and before the wait.
func TestAwaitWritableReturnsIfSocketIsAlreadyWritable(t *testing.T) {
	server, client := connPair(t)
	v := &Viewer{Conn: server, Topic: broker.NewTopic("t", broker.Options{}), Counts: &Counts{}}
	if err := v.prepare(); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for full := false; !full; {
		n, err := v.trySend(make([]byte, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		full, sent = n == 0, sent+n
	}
	if _, err := io.CopyN(io.Discard, client, int64(sent)); err != nil {
		t.Fatal(err)
	}
	testrun.WaitFor(t, "the socket to be writable", func() bool { return writable(v.fd) })
	s := &sender{topic: broker.NewTopic("camera", broker.Options{}), Fanout: New(Options{WriteTimeout: 5 * time.Second})}
	p := &pendingWrite{sender: s, viewer: v}
	if err := p.awaitWritable(); err != nil {
		t.Errorf("waited although the socket was writable: %v", err)
	}
}
