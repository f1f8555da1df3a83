package broker

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"
)

func TestReadersSkipWithdrawnFramesAndCountThem(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 4})
	slow, latest, video := topic.Subscribe(InOrder), topic.Subscribe(Latest), topic.Subscribe(Decodable)
	publishUntil(topic, 3)
	slow.TryNext()
	latest.TryNext()
	video.TryNext()
	publishUntil(topic, 6)
	topic.Withdraw()
	if f := topic.Newest(); f != nil || topic.Joinable() {
		t.Errorf("the newest is %+v, joinable %v", f, topic.Joinable())
	}
	for _, s := range []*Subscription{slow, latest, video} {
		if f := s.TryNext(); f != nil {
			t.Errorf("mode %d: got frame %d, which was withdrawn", s.mode, f.Seq)
		}
	}
	for _, mode := range []Mode{Latest, InOrder, Decodable} {
		s := topic.Subscribe(mode)
		defer s.Close()
		if f := s.TryNext(); f != nil || s.Stats() != (Stats{}) {
			t.Errorf("mode %d: a new subscription gets %+v, %+v", mode, f, s.Stats())
		}
	}
	topic.Publish(Frame{Key: true, Placeholder: true})
	for _, c := range []struct {
		reader *Subscription
		want   Stats
	}{
		{slow, Stats{Received: 2, Dropped: Drops{Lapped: 1, Withdrawn: 4}}},
		{latest, Stats{Received: 2, Dropped: Drops{Late: 2 + 2, Withdrawn: 1}}},
		{video, Stats{Received: 2, Dropped: Drops{Lapped: 1, Withdrawn: 4}}},
	} {
		if f := c.reader.TryNext(); f == nil || !f.Placeholder || f.Seq != 7 {
			t.Errorf("mode %d: got %+v, want the placeholder", c.reader.mode, f)
		}
		if got := c.reader.Stats(); got != c.want {
			t.Errorf("mode %d: counted %+v, want %+v", c.reader.mode, got, c.want)
		}
		c.reader.Close()
	}
}

// What follows a withdrawn frame may need it.
func TestVideoContinuesAtAKeyframeAfterWithdrawnFrames(t *testing.T) {
	topic := NewTopic("camera", Options{})
	behind := topic.Subscribe(Decodable)
	defer behind.Close()
	publishGroups(topic, "K..")
	behind.TryNext()
	topic.Withdraw()
	publishGroups(topic, "..K.")
	if got := readSeqs(behind); !slices.Equal(got, []uint64{6, 7}) {
		t.Errorf("got %v", got)
	}
	if got, want := behind.Stats(), (Stats{Received: 3, Dropped: Drops{Withdrawn: 2, Resync: 2}}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestNothingRefersToAWithdrawnFrame(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 8})
	var held []weak.Pointer[byte]
	for range 5 {
		wire := make([]byte, 1<<10)
		held = append(held, weak.Make(&wire[0]))
		topic.Publish(Frame{Key: true, Wire: wire, Data: wire[1:], Format: &Format{Init: wire}})
	}
	topic.Withdraw()
	runtime.GC()
	for i, w := range held {
		if w.Value() != nil {
			t.Errorf("the bytes of frame %d are still reachable", i+1)
		}
	}
	runtime.KeepAlive(topic)
}

func TestWithdrawKeepsExpiredFramesExpired(t *testing.T) {
	topic := NewTopic("camera", Options{})
	topic.Withdraw() // the topic is empty
	publishUntil(topic, 2)
	topic.Expire()
	topic.Withdraw()
	if f := topic.Newest(); f != nil {
		t.Errorf("the newest is %+v", f)
	}
}

// A reader that sees the new number gets no frame from before.
func TestWithdrawalsAreCountedAfterTheFramesAreGone(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 8})
	const withdrawals = 2000
	done := make(chan error, 1)
	go func() {
		for seen := uint64(0); seen < withdrawals; {
			number := topic.Withdrawals()
			if f := topic.Newest(); number != seen && f != nil && f.PTS < time.Duration(number) {
				done <- fmt.Errorf("after withdrawal %d: a frame from before %d", number, f.PTS+1)
				return
			}
			seen = number
		}
		done <- nil
	}()
	for i := range withdrawals {
		topic.Publish(Frame{Key: true, PTS: time.Duration(i)})
		topic.Withdraw()
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := topic.Withdrawals(); n != withdrawals {
		t.Errorf("%d withdrawals, want %d", n, withdrawals)
	}
}

// A reader at any place passes each Seq once, with the frame or without.
func TestWithdrawDuringReadsKeepsEverySeq(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 8})
	ctx := withHangTimeout(t)
	const last = 5000
	done := make(chan Stats, 9)
	for i := range cap(done) {
		s := topic.Subscribe(Mode(i % 3))
		go func() {
			defer s.Close()
			for seq := uint64(0); seq < last; {
				f, err := s.Next(ctx)
				if err != nil || f.Seq <= seq || !f.Placeholder && !isIntact(f) {
					t.Errorf("after %d: %+v, %v", seq, f, err)
					break
				}
				seq = f.Seq
			}
			done <- s.Stats()
		}()
	}
	for topic.Published() < last {
		publishUntil(topic, topic.Published()+1)
		topic.Withdraw()
		topic.Publish(Frame{Key: true, Placeholder: true})
	}
	for range cap(done) {
		if s := <-done; s.Received+s.Dropped.Total() != last {
			t.Errorf("%+v, want %d passed", s, last)
		}
	}
}
