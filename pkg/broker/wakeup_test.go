package broker

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestNoWakeupIsLost publishes each frame only after every reader has acknowledged the one before. A single lost wake-up therefore
// blocks it. It fails if Publish fires before it moves the head, if Next reads the head before it takes the channel, or if updated
// replaces the signal of another reader. Both sides spin for varying times, so that each step of the publisher meets each step of a
// reader.
func TestNoWakeupIsLost(t *testing.T) {
	for _, readers := range []int{1, 2, 8} {
		t.Run(fmt.Sprint(readers), func(t *testing.T) { runPingPong(t, readers, 100000/readers) })
	}
}

func runPingPong(t *testing.T, readers, frames int) {
	ctx, topic := withHangTimeout(t), NewTopic("camera", Options{Depth: 2})
	var acks atomic.Int64
	var group sync.WaitGroup
	defer group.Wait()
	for i := range readers {
		s := topic.Subscribe(Mode(i % 3))
		group.Go(func() {
			defer s.Close()
			for n := range frames {
				f, err := s.Next(ctx)
				if err != nil {
					t.Errorf("a wake-up was lost: reader %d waits for frame %d, published %d", i, n+1, topic.Published())
					return
				}
				if f.Seq != uint64(n+1) {
					t.Errorf("reader %d got frame %d, want %d", i, f.Seq, n+1)
				}
				acks.Add(1)
				spin(n / 7 % 16)
			}
		})
	}
	for n := range frames {
		topic.Publish(Frame{Key: true})
		for tries := 0; acks.Load() < int64((n+1)*readers); tries++ {
			if ctx.Err() != nil {
				return
			}
			if tries > 100 {
				runtime.Gosched()
			}
		}
		spin(n % 64)
	}
}

var spun atomic.Int64

func spin(n int) {
	for range n {
		spun.Load()
	}
}
