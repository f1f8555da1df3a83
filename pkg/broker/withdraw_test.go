package broker

import (
	"slices"
	"testing"
)

func TestReadersGetTheReplacementOfWithdrawnFrames(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 4})
	slow := topic.Subscribe(InOrder)
	defer slow.Close()
	publishUntil(topic, 3)
	slow.TryNext()
	publishUntil(topic, 6)
	topic.Withdraw(Frame{Placeholder: true})
	for _, mode := range []Mode{Latest, InOrder} {
		s := topic.Subscribe(mode)
		if f := s.TryNext(); f == nil || !f.Placeholder || f.Seq != 6 {
			t.Errorf("mode %d: a new subscription gets %+v", mode, f)
		}
		s.Close()
	}
	if f := topic.Newest(); f == nil || !f.Placeholder || f.Seq != 6 {
		t.Errorf("the newest is %+v", f)
	}
	var got []uint64
	for f := slow.TryNext(); f != nil; f = slow.TryNext() {
		if !f.Placeholder {
			t.Errorf("a reader gets frame %d, which was withdrawn", f.Seq)
		}
		got = append(got, f.Seq)
	}
	if want := []uint64{3, 4, 5, 6}; !slices.Equal(got, want) {
		t.Errorf("a reader behind got %v, want %v", got, want)
	}
	if s := slow.Stats(); s != (Stats{Received: 5, Dropped: 1}) {
		t.Errorf("the counts are %+v", s)
	}
	publishUntil(topic, 7)
	if f := slow.TryNext(); f == nil || f.Placeholder || f.Seq != 7 {
		t.Errorf("after it came %+v", f)
	}
}

func TestWithdrawKeepsExpiredFramesExpired(t *testing.T) {
	topic := NewTopic("camera", Options{})
	topic.Withdraw(Frame{Placeholder: true}) // the topic is empty
	publishUntil(topic, 2)
	topic.Expire()
	topic.Withdraw(Frame{Placeholder: true})
	if f := topic.Newest(); f != nil {
		t.Errorf("the newest is %+v", f)
	}
}

// A reader at any place gets each Seq once, with the frame or its replacement.
func TestWithdrawDuringReadsKeepsEverySeq(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 8})
	ctx := withHangTimeout(t)
	const last = 5000
	done := make(chan Stats, 8)
	for i := range cap(done) {
		s := topic.Subscribe(Mode(i % 2))
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
		topic.Withdraw(Frame{Placeholder: true})
	}
	for range cap(done) {
		if s := <-done; s.Received+s.Dropped != last {
			t.Errorf("%+v, want %d passed", s, last)
		}
	}
}
