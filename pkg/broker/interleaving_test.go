package broker

import (
	"context"
	"testing"
	"time"
)

// These tests run an interleaving step by step, because it happens too rarely by chance.

// beginPublish does the first half of Publish: the slot is filled, the head not yet moved.
func beginPublish(t *Topic) {
	f := testFrame(t.Published() + 1)
	f.Seq, f.Published = t.Published()+1, time.Now()
	f.KeySeq = t.keyframes.add(&f)
	t.slots[f.Seq&t.mask].Store(&f)
}

func readSeqs(s *Subscription) []uint64 {
	var got []uint64
	for f := s.TryNext(); f != nil; f = s.TryNext() {
		got = append(got, f.Seq)
	}
	return got
}

// A reader that read the head long ago finds in its slot the frame that is about to become the head. The head is then
// behind its cursor, and must not count as a new frame.
func TestReaderAheadOfHeadGetsNoFrameTwice(t *testing.T) {
	for _, mode := range []Mode{Latest, InOrder} {
		topic := NewTopic("camera", Options{Depth: 4})
		publishUntil(topic, 1)
		s := topic.Subscribe(mode)
		publishUntil(topic, 4)
		beginPublish(topic) // 5 takes the slot of 1
		s.cursor = 5
		if f := s.TryNext(); f != nil {
			t.Errorf("mode %d: got frame %d after 5", mode, f.Seq)
		}
		publishUntil(topic, 6)
		if f := s.TryNext(); f == nil || f.Seq != 6 {
			t.Errorf("mode %d: got %v after 5, want frame 6", mode, f)
		}
	}
}

// A reader in order reads the head. Its next frame is overwritten before it reads the slot. The reader must continue with the oldest
// frame that is still held, and not with the newer one that it found.
func TestInOrderContinuesWithOldestHeldFrameIfOvertaken(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 4})
	s := topic.Subscribe(InOrder)
	publishUntil(topic, 4)
	beginPublish(topic) // 5 takes the slot of 1, which s wants next
	f := s.TryNext()
	if f.Seq != 2 || s.Stats() != (Stats{Received: 1, Dropped: Drops{Lapped: 1}}) {
		t.Fatalf("got frame %d, %+v; want frame 2, one dropped", f.Seq, s.Stats())
	}
}

// Here the publisher overwrites the whole ring meanwhile, so the head that the reader has read is out of date.
func TestInOrderContinuesWithOldestHeldFrameIfLapped(t *testing.T) {
	for behind := uint64(1); behind <= 4; behind++ {
		topic := NewTopic("camera", Options{Depth: 4})
		s := topic.Subscribe(InOrder)
		publishUntil(topic, 11)
		if f := s.oldest(0, behind); f.Seq != 8 {
			t.Errorf("with an old head of %d: got frame %d, want 8, the oldest held", behind, f.Seq)
		}
	}
}

// waitHookContext is a context that calls a function when Next is about to sleep.
type waitHookContext struct {
	context.Context
	beforeWait func()
}

func (w waitHookContext) Done() <-chan struct{} { w.beforeWait(); return w.Context.Done() }

// Next has found no frame and is about to sleep. A frame that is published now must wake it.
func TestPublishJustBeforeAWaitWakesTheReader(t *testing.T) {
	topic := NewTopic("camera", Options{})
	s, other := topic.Subscribe(Latest), topic.Subscribe(Latest)
	f, err := s.Next(waitHookContext{withHangTimeout(t), func() {
		// Another reader that starts to wait must not replace the signal.
		otherCtx, cancel := context.WithCancel(t.Context())
		if _, err := other.Next(waitHookContext{otherCtx, cancel}); err != context.Canceled {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		publishUntil(topic, 1)
	}})
	if err != nil || f.Seq != 1 {
		t.Fatalf("got %v, %v; want frame 1", f, err)
	}
}
