package broker

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func BenchmarkPublish(b *testing.B) {
	for _, attached := range []int{0, 100, 10000} {
		b.Run(fmt.Sprintf("busy=%d", attached), func(b *testing.B) {
			topic, frame := NewTopic("camera", Options{}), testFrame(1)
			for range attached {
				s := topic.Subscribe(Latest)
				defer s.Close()
			}
			b.ReportAllocs()
			for b.Loop() {
				topic.Publish(frame)
			}
		})
	}
}

func BenchmarkNext(b *testing.B) {
	for mode, name := range []string{"latest", "inorder", "decodable"} {
		b.Run(name, func(b *testing.B) {
			topic := NewTopic("camera", Options{})
			publishUntil(topic, 8)
			s := topic.Subscribe(Mode(mode))
			defer s.Close()
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				s.cursor = 7
				if _, err := s.Next(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPublishAndNext publishes a frame and reads it, as one viewer that keeps up does.
func BenchmarkPublishAndNext(b *testing.B) {
	for mode, name := range []string{"latest", "inorder", "decodable"} {
		b.Run(name, func(b *testing.B) {
			topic, frame := NewTopic("camera", Options{}), testFrame(1)
			s := topic.Subscribe(Mode(mode))
			defer s.Close()
			b.ReportAllocs()
			for b.Loop() {
				topic.Publish(frame)
				if s.TryNext() == nil {
					b.Fatal("no frame")
				}
			}
		})
	}
}

// BenchmarkSubscribe opens and closes a subscription beside others, which have one period or each its own.
func BenchmarkSubscribe(b *testing.B) {
	for _, open := range []int{1, 10000} {
		for name, step := range map[string]time.Duration{"one": 0, "different": 1} {
			b.Run(fmt.Sprintf("open=%d/periods=%s", open, name), func(b *testing.B) {
				topic := NewTopic("camera", Options{Linger: 5 * time.Second})
				for n := range open {
					defer topic.SubscribeEvery(Latest, time.Second+time.Duration(n)*step).Close()
				}
				b.ReportAllocs()
				for b.Loop() {
					topic.SubscribeEvery(Latest, time.Millisecond).Close() // the shortest
				}
			})
		}
	}
}

// BenchmarkPublishVideo publishes to the ring of a video track, which drops a group of pictures at every keyframe.
func BenchmarkPublishVideo(b *testing.B) {
	topic, frame := NewTopic("camera", VideoOptions()), testFrame(1)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		frame.Key = n%50 == 0
		topic.Publish(frame)
	}
}

// BenchmarkWake measures one round: a frame is published, and wakes all readers until each has it. publish-ns is the publisher's own
// part. The other two do the same with a sync.Cond and with a channel for each reader.
func BenchmarkWake(b *testing.B) {
	deliveries := []struct {
		name string
		make func(readers int) delivery
	}{{"ring", newRing}, {"cond", newCond}, {"chan", newChans}}
	for _, readers := range []int{1, 100, 1000} {
		for _, r := range deliveries {
			b.Run(fmt.Sprintf("waiting=%d/%s", readers, r.name), func(b *testing.B) { benchmarkDelivery(b, readers, r.make(readers)) })
		}
	}
}

// delivery is a way to deliver frames to readers; next waits, and returns nil at the end.
type delivery struct {
	publish func(Frame)
	next    func(reader int) *Frame
	end     func()
}

func benchmarkDelivery(b *testing.B, readers int, r delivery) {
	var acks atomic.Int64
	allReceived := make(chan struct{}, 1)
	var group sync.WaitGroup
	for i := range readers {
		group.Go(func() {
			for r.next(i) != nil {
				if acks.Add(1)%int64(readers) == 0 {
					allReceived <- struct{}{}
				}
			}
		})
	}
	time.Sleep(10 * time.Millisecond) // until the readers sleep; only the first round depends on it
	var publishing time.Duration
	frame := testFrame(1)
	b.ReportAllocs()
	for b.Loop() {
		begun := time.Now()
		r.publish(frame)
		publishing += time.Since(begun)
		<-allReceived
	}
	b.ReportMetric(float64(publishing.Nanoseconds())/float64(b.N), "publish-ns")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(readers), "ns/reader")
	r.end()
	group.Wait()
}

func newRing(readers int) delivery {
	topic, subs := NewTopic("camera", Options{}), make([]*Subscription, readers)
	for i := range subs {
		subs[i] = topic.Subscribe(Latest)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return delivery{
		publish: func(f Frame) { topic.Publish(f) },
		next:    func(i int) *Frame { f, _ := subs[i].Next(ctx); return f },
		end:     cancel,
	}
}

// newCond delivers by a mutex and a sync.Cond. A wait cannot be cancelled.
func newCond(readers int) delivery {
	var mu sync.Mutex
	var newest *Frame
	var seq uint64
	ended, seen, changed := false, make([]uint64, readers), sync.NewCond(&mu)
	return delivery{
		publish: func(f Frame) {
			mu.Lock()
			defer mu.Unlock()
			seq++
			newest = &f
			changed.Broadcast()
		},
		next: func(i int) *Frame {
			mu.Lock()
			defer mu.Unlock()
			for seen[i] == seq && !ended {
				changed.Wait()
			}
			if ended {
				return nil
			}
			seen[i] = seq
			return newest
		},
		end: func() { mu.Lock(); defer mu.Unlock(); ended = true; changed.Broadcast() },
	}
}

// newChans delivers by a channel for each reader. It drops a frame for a reader whose channel is full.
func newChans(readers int) delivery {
	chans, done := make([]chan *Frame, readers), make(chan struct{})
	for i := range chans {
		chans[i] = make(chan *Frame, 1)
	}
	return delivery{
		publish: func(f Frame) {
			for _, c := range chans {
				select {
				case c <- &f:
				default:
				}
			}
		},
		next: func(i int) *Frame {
			select {
			case f := <-chans[i]:
				return f
			case <-done:
				return nil
			}
		},
		end: func() { close(done) },
	}
}
