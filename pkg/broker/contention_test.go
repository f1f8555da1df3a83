package broker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// TestEveryFrameIsReceivedOrCountedAsDropped runs a publisher against readers of two modes that pause at random, and checks for each
// reader what the package promises.
func TestEveryFrameIsReceivedOrCountedAsDropped(t *testing.T) {
	const frames = 20000
	tests := []struct{ depth, bytes, least int }{{2, 0, 2}, {4, 0, 4}, {32, 0, 32}, {32, 5 * 64, 5}, {4, 1, 1}}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("depth %d, bytes %d", tt.depth, tt.bytes), func(t *testing.T) {
			ctx := withHangTimeout(t)
			topic := NewTopic("camera", Options{Depth: tt.depth, Bytes: int64(tt.bytes)})
			var readers sync.WaitGroup
			for i := range 16 {
				mode := Mode(i % 2)
				pause := []int{0, 1, 10, 100}[i/2%4]
				late := uint64(i/8) * frames / 3
				readers.Go(func() {
					r := checkedReader{topic: topic, mode: mode, pause: pause, minHeld: uint64(tt.least)}
					if err := r.run(ctx, late, frames); err != nil {
						t.Errorf("mode %d, pause %d, from %d: %v", mode, pause, late, err)
					}
				})
			}
			publisher := rand.New(rand.NewPCG(1, uint64(tt.depth)))
			for topic.Published() < frames {
				topic.Publish(testFrame(topic.Published() + 1))
				yield(publisher.IntN(20) - 15)
			}
			readers.Wait()
		})
	}
}

// checkedReader counts for itself what its subscription counts.
type checkedReader struct {
	topic             *Topic
	mode              Mode
	pause             int    // at most, in turns of the scheduler
	minHeld           uint64 // how many frames the ring holds at least, once it is full
	received, dropped uint64
}

func (c *checkedReader) run(ctx context.Context, late, frames uint64) error {
	for c.topic.Published() < late {
		runtime.Gosched()
	}
	before := c.topic.Published()
	s := c.topic.Subscribe(c.mode)
	defer s.Close()
	if before > 0 && s.start+1 < before {
		return fmt.Errorf("the subscription starts at %d, although frame %d was published", s.start+1, before)
	}
	random := rand.New(rand.NewPCG(2, late))
	for last := s.start; last < frames; yield(random.IntN(c.pause + 1)) {
		head := c.topic.Published()
		f, err := s.Next(ctx)
		if err != nil {
			return fmt.Errorf("after %d of %d: %w", last, c.topic.Published(), err)
		}
		if err := c.check(f, last, head); err != nil {
			return err
		}
		c.received++
		c.dropped += f.Seq - last - 1
		last = f.Seq
		want := Stats{Received: c.received, Dropped: Drops{Lapped: c.dropped}}
		if c.mode == Latest {
			want.Dropped = Drops{Late: c.dropped}
		}
		if got := s.Stats(); got != want {
			return fmt.Errorf("stats %+v, want %+v", got, want)
		}
	}
	if passed := frames - s.start; c.received+c.dropped != passed {
		return fmt.Errorf("received %d + dropped %d != passed %d", c.received, c.dropped, passed)
	}
	return nil
}

// check checks a frame that came after last, when the head was at least head.
func (c *checkedReader) check(f *Frame, last, head uint64) error {
	now := c.topic.Published()
	switch {
	case f.Seq <= last:
		return fmt.Errorf("frame %d after %d", f.Seq, last)
	case !isIntact(f):
		return fmt.Errorf("frame %d is incomplete", f.Seq)
	case c.mode == Latest && f.Seq < head:
		return fmt.Errorf("got frame %d, although frame %d was published", f.Seq, head)
	// The frame before f is lost only when another frame took its slot, at the latest just before the head moves.
	case c.mode == InOrder && f.Seq > last+1 && now+1 < f.Seq-1+c.minHeld:
		return fmt.Errorf("frame %d after %d, although the ring holds those between: head %d", f.Seq, last, now)
	}
	return nil
}

// yield lets other goroutines run, as often as turns says.
func yield(turns int) {
	for range turns {
		runtime.Gosched()
	}
}

// TestFramesNeverChange keeps every frame that a reader got, and checks their bytes after the ring was overwritten many times.
func TestFramesNeverChange(t *testing.T) {
	const frames = 2000
	ctx, topic := withHangTimeout(t), NewTopic("camera", Options{Depth: 4})
	s := topic.Subscribe(Latest)
	defer s.Close()
	var publisher sync.WaitGroup
	publisher.Go(func() { publishUntil(topic, frames) })
	var kept []*Frame
	for len(kept) == 0 || kept[len(kept)-1].Seq < frames {
		f, err := s.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, f)
	}
	publisher.Wait()
	for _, f := range kept {
		if !isIntact(f) {
			t.Errorf("frame %d changed after it was received", f.Seq)
		}
	}
}

// TestPublishFillsTheSlotBeforeItMovesTheHead fails if Publish moves the head before it fills the slot: a reader then finds an old frame.
func TestPublishFillsTheSlotBeforeItMovesTheHead(t *testing.T) {
	const frames = 200000
	topic := NewTopic("camera", Options{})
	topic.Publish(testFrame(1))
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for topic.Published() < frames {
			topic.Publish(Frame{})
		}
	})
	defer publisher.Wait()
	for head := uint64(0); head < frames; {
		head = topic.Published()
		if f := topic.Newest(); f.Seq < head {
			t.Fatalf("the newest is %d, although frame %d was published", f.Seq, head)
		}
	}
}

// TestStatsOnlyGrowWhileReading reads the counts while the reader adds to them.
func TestStatsOnlyGrowWhileReading(t *testing.T) {
	const frames = 200000
	topic := NewTopic("camera", Options{})
	s := topic.Subscribe(InOrder)
	defer s.Close()
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for topic.Published() < frames {
			topic.Publish(Frame{})
			s.TryNext()
		}
	})
	defer publisher.Wait()
	for last := (Stats{}); last.Received < frames; {
		now := s.Stats()
		if now.Received < last.Received || now.Dropped.Lapped < last.Dropped.Lapped || now.Received+now.Dropped.Total() > frames {
			t.Fatalf("%+v after %+v", now, last)
		}
		last = now
	}
}
