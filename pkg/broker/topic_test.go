package broker

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func TestNextReturnsFramesByMode(t *testing.T) {
	tests := []struct {
		name          string
		mode          Mode
		before, after uint64 // published before and after Subscribe
		want          []uint64
		dropped       uint64
	}{
		{"latest, empty", Latest, 0, 0, nil, 0},
		{"latest starts at newest", Latest, 3, 3, []uint64{3}, 0},
		{"latest passes over", Latest, 0, 3, []uint64{3}, 2},
		{"latest, lapped: the newest and never the oldest", Latest, 2, 21, []uint64{21}, 19},
		{"in order, empty", InOrder, 0, 0, nil, 0},
		{"in order starts at newest", InOrder, 3, 3, []uint64{3}, 0},
		{"in order", InOrder, 2, 4, []uint64{2, 3, 4}, 0},
		{"in order, a full ring", InOrder, 0, 4, []uint64{1, 2, 3, 4}, 0},
		{"in order, lapped by one", InOrder, 0, 5, []uint64{2, 3, 4, 5}, 1},
		{"in order, lapped twice", InOrder, 1, 11, []uint64{8, 9, 10, 11}, 7},
		{"decodable, empty", Decodable, 0, 0, nil, 0},
		{"decodable, keyframes only", Decodable, 2, 4, []uint64{2, 3, 4}, 0},
		{"decodable, keyframes only, lapped", Decodable, 1, 11, []uint64{8, 9, 10, 11}, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			topic := NewTopic("camera", Options{Depth: 4})
			publishUntil(topic, tt.before)
			s := topic.Subscribe(tt.mode)
			defer s.Close()
			publishUntil(topic, tt.after)
			if got := readSeqs(s); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			want := Stats{Received: uint64(len(tt.want)), Dropped: Drops{Late: tt.dropped}}
			if tt.mode != Latest {
				want.Dropped = Drops{Lapped: tt.dropped}
			}
			if got := s.Stats(); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestDepthIsRoundedUpToAPowerOfTwo(t *testing.T) {
	for asked, want := range map[int]int{-1: DefaultDepth, 0: DefaultDepth, 1: 2, 2: 2, 3: 4, 32: 32, 33: 64} {
		if got := len(NewTopic("camera", Options{Depth: asked}).slots); got != want {
			t.Errorf("depth %d: got %d, want %d", asked, got, want)
		}
	}
}

func TestNewestIsTheLastPublishedFrame(t *testing.T) {
	topic := NewTopic("camera", Options{})
	if topic.Newest() != nil || topic.Published() != 0 || topic.Name() != "camera" {
		t.Error("a new topic is not empty")
	}
	shared := topic.Publish(testFrame(1))
	if topic.Newest() != shared || shared.Seq != 1 || topic.Published() != 1 {
		t.Errorf("newest is %v, want %v", topic.Newest(), shared)
	}
}

func TestNewSubscriptionsGetNoExpiredFrames(t *testing.T) {
	topic := NewTopic("camera", Options{})
	early := topic.Subscribe(InOrder)
	for i := range 3 {
		topic.Publish(testFrame(uint64(i + 1)))
	}
	topic.Expire()
	if f := topic.Newest(); f != nil {
		t.Errorf("frame %d is expired, but Newest returns it", f.Seq)
	}
	var late []*Subscription
	for _, mode := range []Mode{Latest, InOrder, Decodable} {
		s := topic.Subscribe(mode)
		if f := s.TryNext(); f != nil {
			t.Errorf("frame %d is expired, but a new subscription gets it", f.Seq)
		}
		late = append(late, s)
	}
	if f := early.TryNext(); f == nil || f.Seq != 3 || early.Stats() != (Stats{Received: 1, Dropped: Drops{Lapped: 2}}) {
		t.Errorf("got %v, %+v, want the newest that was there before, and two dropped", f, early.Stats())
	}
	topic.Publish(testFrame(4))
	for _, s := range append(late, topic.Subscribe(Latest)) {
		if f := s.TryNext(); f == nil || f.Seq != 4 || s.Stats() != (Stats{Received: 1}) {
			t.Errorf("got %v, %+v, want frame 4 and none dropped", f, s.Stats())
		}
	}
	if topic.Newest().Seq != 4 {
		t.Error("a frame published after is not the newest")
	}
}

func TestPublishNeverBlocks(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 2})
	for i := range 1000 {
		s := topic.Subscribe(Mode(i % 3))
		defer s.Close() // and never reads
	}
	publishUntil(topic, 10000) // hangs if it waits for one of them
	if topic.Newest().Seq != 10000 {
		t.Errorf("newest is %d, want 10000", topic.Newest().Seq)
	}
}

func TestNextEndsWithContext(t *testing.T) {
	topic := NewTopic("camera", Options{})
	s := topic.Subscribe(Latest)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := s.Next(waitHookContext{ctx, cancel}); !errors.Is(err, context.Canceled) {
		t.Errorf("while it waits: got %v, want %v", err, context.Canceled)
	}
	publishUntil(topic, 1)
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a frame ready: got %v, want %v", err, context.Canceled)
	}
	if got := s.Stats(); got != (Stats{}) {
		t.Errorf("got %+v, want nothing received", got)
	}
}

func TestPublishAllocatesOnceAndNextNever(t *testing.T) {
	topic := NewTopic("camera", Options{})
	s := topic.Subscribe(Latest)
	defer s.Close()
	frame := testFrame(1)
	if got := testing.AllocsPerRun(1000, func() { topic.Publish(frame) }); got != 1 {
		t.Errorf("Publish with nobody waiting: %v allocations, want 1", got)
	}
	ctx := t.Context()
	for _, mode := range []Mode{Latest, InOrder, Decodable} {
		s := topic.Subscribe(mode)
		defer s.Close()
		got := testing.AllocsPerRun(1000, func() {
			s.cursor = topic.Published() - 1
			if _, err := s.Next(ctx); err != nil {
				t.Fatal(err)
			}
		})
		if got != 0 {
			t.Errorf("Next with a frame ready, mode %d: %v allocations, want 0", mode, got)
		}
	}
}
