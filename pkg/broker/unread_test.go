package broker

import (
	"math/rand/v2"
	"testing"
)

// A reader gives back frames now and then. It gets them again, and the counts are those of a reader that never did.
func TestUnreadGivesAFrameBack(t *testing.T) {
	for _, mode := range []Mode{Latest, InOrder, Decodable} {
		topic := NewTopic("t", Options{Depth: 8})
		sub := topic.Subscribe(mode)
		got := uint64(0)
		for n := range 500 {
			topic.Publish(Frame{Key: n%5 == 0, Wire: []byte{0}})
			if rand.IntN(3) == 0 {
				continue
			}
			f := sub.TryNext()
			if f == nil {
				continue
			}
			before := sub.Stats()
			sub.Unread(f)
			if s := sub.Stats(); s.Received != before.Received-1 || s.Dropped != before.Dropped {
				t.Fatalf("mode %d: %+v, before %+v", mode, s, before)
			}
			if again := sub.TryNext(); again != f {
				t.Fatalf("mode %d: got frame %d after giving back %d", mode, again.Seq, f.Seq)
			}
			if got++; sub.Stats() != before {
				t.Fatalf("mode %d: %+v, expected %+v", mode, sub.Stats(), before)
			}
		}
		for sub.TryNext() != nil {
			got++
		}
		if s := sub.Stats(); s.Received != got || s.Received+s.Dropped.Total() != 500 {
			t.Errorf("mode %d: %+v after %d frames", mode, s, got)
		}
		sub.Close()
	}
}
