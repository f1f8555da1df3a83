package broker

import (
	"context"
	"testing"
)

// These tests stage by hand, step by step, what happens too rarely when it is left to chance.

// begin does the first half of Publish: the slot is filled, the head not yet moved.
func begin(t *Topic) {
	f := picture(t.Published() + 1)
	f.Seq = t.Published() + 1
	t.slots[f.Seq&t.mask].Store(&f)
}

func seqs(s *Subscription) []uint64 {
	var got []uint64
	for f := s.TryNext(); f != nil; f = s.TryNext() {
		got = append(got, f.Seq)
	}
	return got
}

// A reader that read the head long ago finds in its slot the frame that is about to become the head. The head is then
// behind its cursor, and must not be taken for news.
func TestReaderAheadOfHead(t *testing.T) {
	for _, mode := range []Mode{Latest, InOrder} {
		topic := NewTopic("camera", Options{Depth: 4})
		publish(topic, 1)
		s := topic.Subscribe(mode)
		publish(topic, 4)
		begin(topic) // 5 takes the slot of 1
		s.cursor.Store(5)
		if f := s.TryNext(); f != nil {
			t.Errorf("mode %d: got frame %d after 5", mode, f.Seq)
		}
		publish(topic, 6)
		if f := s.TryNext(); f == nil || f.Seq != 6 {
			t.Errorf("mode %d: got %v after 5, want frame 6", mode, f)
		}
	}
}

// The frame that a reader in order wants is overwritten between its look at the head and its look at the slot. It must
// go on with the next one held, not with the newer one that it found.
func TestOvertakenInOrder(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 4})
	s := topic.Subscribe(InOrder)
	publish(topic, 4)
	begin(topic) // 5 takes the slot of 1, which s wants next
	f := s.TryNext()
	if f.Seq != 2 || s.Stats() != (Stats{Received: 1, Dropped: 1}) {
		t.Fatalf("got frame %d, %+v; want frame 2, one dropped", f.Seq, s.Stats())
	}
}

// The same, when the publisher has gone round the ring meanwhile: the head that was read is of no more use.
func TestOvertakenByARing(t *testing.T) {
	for behind := uint64(1); behind <= 4; behind++ {
		topic := NewTopic("camera", Options{Depth: 4})
		s := topic.Subscribe(InOrder)
		publish(topic, 11)
		if f := s.oldest(0, behind); f.Seq != 8 {
			t.Errorf("with an old head of %d: got frame %d, want 8, the oldest held", behind, f.Seq)
		}
	}
}

// ending is a context that calls a function when Next is about to sleep.
type ending struct {
	context.Context
	sleep func()
}

func (e ending) Done() <-chan struct{} { e.sleep(); return e.Context.Done() }

// Next has looked, found nothing and is about to sleep. What is published now must wake it.
func TestPublishBeforeSleep(t *testing.T) {
	topic := NewTopic("camera", Options{})
	s, other := topic.Subscribe(Latest), topic.Subscribe(Latest)
	f, err := s.Next(ending{watched(t), func() {
		// Another reader that comes to wait must not take the bell away.
		otherCtx, cancel := context.WithCancel(t.Context())
		if _, err := other.Next(ending{otherCtx, cancel}); err != context.Canceled {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		publish(topic, 1)
	}})
	if err != nil || f.Seq != 1 {
		t.Fatalf("got %v, %v; want frame 1", f, err)
	}
}
