package fanout

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"camd/pkg/broker"
)

// Of 1000 viewers 100 take nothing and 100 a sip now and then: the other 800 get every frame, as before those came.
func TestTroubledViewersCostOthersNoFrame(t *testing.T) {
	const size, frames = 20_000, 60
	topic := broker.NewTopic("t", broker.Options{})
	f := New(Options{WriteTimeout: time.Minute, RepeatAfter: time.Hour})
	defer f.Close()
	crowd := func(n int, read func(net.Conn)) (guests []*guest, done func()) {
		var readers sync.WaitGroup
		for range n {
			g := join(t, f, topic, nil)
			_ = g.client.(*net.TCPConn).SetReadBuffer(size) // or the kernel would take it all
			_ = g.Conn.(*net.TCPConn).SetWriteBuffer(size)
			guests = append(guests, g)
			readers.Go(func() { read(g.client) })
		}
		return guests, readers.Wait
	}
	n := uint64(0)
	fast, end := crowd(800, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	// A frame follows when all of the 800 have the last: if one of them waited for the others, none would follow.
	publish := func() {
		for range frames {
			n++
			topic.Publish(frame(n, size))
			eventually(t, "every one of the 800 has the frame", func() bool {
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
	stalled, endStalled := crowd(100, func(net.Conn) { <-quit })
	slow, endSlow := crowd(100, func(c net.Conn) {
		sip := make([]byte, size/10)
		for sub := topic.Subscribe(broker.Latest); ; {
			rung := sub.Bell()
			if sub.TryNext() != nil {
				if _, err := io.ReadFull(c, sip); err != nil {
					t.Errorf("slow viewer: %v", err)
				}
				continue
			}
			select {
			case <-rung:
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
	for what, troubled := range map[string][]*guest{"stalled": stalled, "slow": slow} {
		held := 0
		for _, g := range troubled {
			if g.Counts.Sent.Load() < frames {
				held++
			}
		}
		if held == 0 {
			t.Errorf("the %s viewers got every frame: they were none", what)
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

// Room that came after a send found none, and before the viewer is waited for, is found.
func TestAwaitFindsRoomThatIsThere(t *testing.T) {
	server, client := pair(t)
	v := &Viewer{Conn: server, Topic: broker.NewTopic("t", broker.Options{}), Counts: &Counts{}}
	if err := v.prepare(); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for full := false; !full; {
		n, err := v.sendNow(make([]byte, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		full, sent = n == 0, sent+n
	}
	if _, err := io.CopyN(io.Discard, client, int64(sent)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the socket is writable", func() bool { return writable(v.fd) })
	s := &sender{topic: broker.NewTopic("camera", broker.Options{}), Fanout: New(Options{WriteTimeout: 5 * time.Second})}
	if err := s.await(v); err != nil {
		t.Errorf("waited for room that was there: %v", err)
	}
}
