package fanout

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/broker"
)

// A topic that ends closes its viewers between two frames, and those of no other topic. Viewers added later are closed at once.
func TestTopicEndClosesItsViewersAtAFrameBoundary(t *testing.T) {
	f := New(longTimeouts)
	defer f.Close()
	topic, other := broker.NewTopic("gone", broker.Options{}), broker.NewTopic("stays", broker.Options{})
	stays := addViewer(t, f, other, nil)
	var viewers []*testViewer
	for range 20 {
		viewers = append(viewers, addViewer(t, f, topic, nil))
	}
	topic.Publish(frame(1, 2<<20)) // more than a socket takes at once, so all viewers have a part of it
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
		if err := <-g.closed; !errors.Is(err, broker.ErrEnded) {
			t.Errorf("viewer %d left with %v", i, err)
		}
	}
	if err := <-addViewer(t, f, topic, nil).closed; !errors.Is(err, broker.ErrEnded) {
		t.Errorf("the late viewer left with %v", err)
	}
	other.Publish(frame(7, 100))
	if n, err := readFrame(stays.client); n != 7 || err != nil {
		t.Errorf("the other topic's viewer: %d, %v", n, err)
	}
	testrun.WaitFor(t, "the sender and its subscription to be gone", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.senders[topic]) == 0 && topic.Subscriptions() == 0
	})
}

// A viewer that takes a part of its last frame, and then nothing, delays the end by the drain timeout at most.
func TestTopicEndDoesNotWaitForAStalledViewer(t *testing.T) {
	f := New(Options{WriteTimeout: time.Hour, DrainTimeout: time.Second})
	defer f.Close()
	topic := broker.NewTopic("gone", broker.Options{})
	g := addViewer(t, f, topic, nil)
	topic.Publish(frame(1, 64<<20))
	testrun.WaitFor(t, "the first bytes to be written", func() bool { return g.Counts.Bytes.Load() > 0 })
	topic.End()
	_, _ = io.CopyN(io.Discard, g.client, 8<<20) // on a slow machine, the connection ends before that
	select {
	case err := <-g.closed:
		if !errors.Is(err, broker.ErrEnded) {
			t.Errorf("left with %v", err)
		}
	case <-time.After(2 * time.Minute):
		t.Error("it is still there")
		_ = g.client.Close()
	}
}

// Viewers that are added while their topic ends are all closed with ErrEnded.
func TestViewersAddedDuringTopicEndAreClosed(t *testing.T) {
	f := New(Options{})
	defer f.Close()
	for range 50 {
		topic := broker.NewTopic("camera", broker.Options{})
		first := addViewer(t, f, topic, nil)
		server, _ := connPair(t)
		left := make(chan error, 1)
		var both sync.WaitGroup
		both.Go(topic.End)
		both.Go(func() {
			f.Add(&Viewer{Conn: server, Topic: topic, Counts: &Counts{}, OnClose: func(err error) { left <- err }})
		})
		both.Wait()
		for _, err := range []error{<-first.closed, <-left} {
			if !errors.Is(err, broker.ErrEnded) {
				t.Fatalf("left with %v", err)
			}
		}
	}
}
