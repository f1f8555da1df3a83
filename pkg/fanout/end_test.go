package fanout

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"camd/pkg/broker"
)

// A topic that ends lets its viewers go between two frames, and nobody else's; whoever comes later is sent away at once.
func TestTopicEnds(t *testing.T) {
	f := New(unhurried)
	defer f.Close()
	topic, other := broker.NewTopic("gone", broker.Options{}), broker.NewTopic("stays", broker.Options{})
	stays := join(t, f, other, nil)
	var viewers []*guest
	for range 20 {
		viewers = append(viewers, join(t, f, topic, nil))
	}
	topic.Publish(frame(1, 2<<20)) // more than a socket takes at once: they are in the middle of it
	for _, g := range viewers[:10] {
		if n, err := readFrame(g.client); n != 1 || err != nil {
			t.Fatalf("frame %d, %v", n, err)
		}
	}
	topic.End()
	var reading sync.WaitGroup
	for i, g := range viewers {
		reading.Go(func() {
			if i >= 10 {
				if n, err := readFrame(g.client); n != 1 || err != nil {
					t.Errorf("viewer %d: frame %d, %v", i, n, err)
				}
			}
			if _, err := readFrame(g.client); err != io.EOF {
				t.Errorf("viewer %d: then %v, want the end", i, err)
			}
		})
	}
	reading.Wait()
	for i, g := range viewers {
		if err := <-g.left; !errors.Is(err, broker.ErrEnded) {
			t.Errorf("viewer %d left by %v", i, err)
		}
	}
	if err := <-join(t, f, topic, nil).left; !errors.Is(err, broker.ErrEnded) {
		t.Errorf("who came late left by %v", err)
	}
	other.Publish(frame(7, 100))
	if n, err := readFrame(stays.client); n != 7 || err != nil {
		t.Errorf("the other topic's viewer: %d, %v", n, err)
	}
	eventually(t, "no sender and no subscription is left", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.senders[topic]) == 0 && topic.Subscriptions() == 0
	})
}

// A viewer that takes some of its last frame, and then nothing, holds up the end for no longer than any other.
func TestEndWaitsForNobody(t *testing.T) {
	f := New(Options{WriteTimeout: time.Hour, Farewell: time.Second})
	defer f.Close()
	topic := broker.NewTopic("gone", broker.Options{})
	g := join(t, f, topic, nil)
	topic.Publish(frame(1, 64<<20))
	eventually(t, "it takes as much as fits", func() bool { return g.Counts.Bytes.Load() > 0 })
	topic.End()
	_, _ = io.CopyN(io.Discard, g.client, 8<<20) // on a slow machine it is gone before that
	select {
	case err := <-g.left:
		if !errors.Is(err, broker.ErrEnded) {
			t.Errorf("left by %v", err)
		}
	case <-time.After(2 * time.Minute):
		t.Error("it is still there")
		_ = g.client.Close()
	}
}

// Viewers that come while their topic ends are all told, whichever side of it they come to.
func TestComingAtTheEnd(t *testing.T) {
	f := New(Options{})
	defer f.Close()
	for range 50 {
		topic := broker.NewTopic("camera", broker.Options{})
		first := join(t, f, topic, nil)
		server, _ := pair(t)
		left := make(chan error, 1)
		var both sync.WaitGroup
		both.Go(topic.End)
		both.Go(func() {
			f.Add(&Viewer{Conn: server, Topic: topic, Counts: &Counts{}, Left: func(err error) { left <- err }})
		})
		both.Wait()
		for _, err := range []error{<-first.left, <-left} {
			if !errors.Is(err, broker.ErrEnded) {
				t.Fatalf("left by %v", err)
			}
		}
	}
}
