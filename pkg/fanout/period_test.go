package fanout

import (
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/broker"
)

// A topic is asked for frames as often as the fastest viewer of a sender needs them.
func TestSenderAsksForTheShortestPeriod(t *testing.T) {
	topic := broker.NewTopic("t", broker.Options{})
	f := New(Options{WriteTimeout: time.Hour, RepeatAfter: time.Hour, DrainTimeout: time.Hour, ViewersPerSender: 1000})
	defer f.Close()
	join := func(period time.Duration) *testViewer {
		server, client := connPair(t)
		g := &testViewer{client: client, closed: make(chan error, 1)}
		g.Viewer = Viewer{Conn: server, Topic: topic, Counts: &Counts{}, Period: period, OnClose: func(err error) { g.closed <- err }}
		f.Add(&g.Viewer)
		return g
	}
	leave := func(g *testViewer) {
		_ = g.client.Close()
		testrun.WaitFor(t, "the viewer to be gone", func() bool {
			topic.Publish(frame(1, 1000)) // the sender finds out when it writes
			return len(g.closed) == 1
		})
	}
	wantPeriod := func(what string, want time.Duration) {
		t.Helper()
		testrun.WaitFor(t, what, func() bool {
			return topic.Demand() == broker.Demand{Wanted: true, Frames: true, Period: want} && topic.Subscriptions() == 1
		})
	}
	slow := join(10 * time.Second)
	if got := topic.Demand().Period; got != 10*time.Second {
		t.Errorf("a sender is created with period %v, want that of its first viewer", got)
	}
	wantPeriod("one slow viewer", 10*time.Second)
	fast := join(time.Second)
	wantPeriod("a faster one", time.Second)
	full := join(0)
	wantPeriod("one that needs every frame", 0)
	leave(full)
	wantPeriod("the faster one again", time.Second)
	leave(slow)
	wantPeriod("the slow one has left, too", time.Second)
	leave(fast)
	testrun.WaitFor(t, "nobody", func() bool { return topic.Demand() == broker.Demand{} })
}

// The last frame is repeated while the topic publishes only as often as its slow viewer needs frames.
func TestLastFrameIsRepeatedAtALowRate(t *testing.T) {
	topic := broker.NewTopic("t", broker.Options{})
	f := New(Options{RepeatAfter: 20 * time.Millisecond})
	defer f.Close()
	server, client := connPair(t)
	g := &testViewer{client: client, closed: make(chan error, 1)}
	g.Viewer = Viewer{Conn: server, Topic: topic, Counts: &Counts{}, Period: time.Hour, OnClose: func(err error) { g.closed <- err }}
	f.Add(&g.Viewer)
	topic.Publish(frame(1, 100))
	for i, want := range []uint64{1, 1, 2, 2} {
		if i == 2 {
			topic.Publish(frame(want, 100))
		}
		if n, err := readFrame(client); err != nil || n != want {
			t.Fatalf("read %d, %v; want %d", n, err, want)
		}
	}
}
