package broker

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// frameOfSize returns a frame with a Wire of the given size.
func frameOfSize(bytes int) Frame { return Frame{Wire: make([]byte, bytes)} }

func TestRingHoldsAtMostItsBytes(t *testing.T) {
	tests := []struct {
		name  string
		limit int64
		sizes []int
		want  []uint64 // held at the end, by Seq
	}{
		{"within the limit", 100, []int{30, 30, 40}, []uint64{1, 2, 3}},
		{"beyond by a byte", 100, []int{30, 30, 41}, []uint64{2, 3}},
		{"a large frame replaces all others", 100, []int{10, 10, 10, 95}, []uint64{4}},
		{"a frame beyond the limit stays alone", 100, []int{10, 500}, []uint64{2}},
		{"small frames after one beyond the limit", 100, []int{500, 50, 50, 1}, []uint64{3, 4}},
		{"slots limit small frames", 100, []int{1, 1, 1, 1, 1, 1}, []uint64{3, 4, 5, 6}},
		{"empty frames", 100, []int{0, 0, 200, 0}, []uint64{4}},
		{"the first beyond the limit after some rounds", 100, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 98}, []uint64{11, 12, 13}},
		{"round the ring several times", 25, []int{10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10}, []uint64{10, 11}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			topic := NewTopic("camera", Options{Depth: 4, Bytes: tt.limit})
			behind := topic.Subscribe(InOrder)
			for _, n := range tt.sizes {
				topic.Publish(frameOfSize(n))
			}
			bytes := int64(0)
			for i := range topic.slots {
				if f := topic.slots[i].Load(); f != nil {
					bytes += int64(len(f.Wire))
				}
			}
			if bytes != topic.usage.held {
				t.Errorf("the slots hold %d bytes, %d are counted", bytes, topic.usage.held)
			}
			if f := topic.Newest(); f == nil || f.Seq != uint64(len(tt.sizes)) {
				t.Errorf("the newest is %+v", f)
			}
			got := readSeqs(behind)
			if !slices.Equal(got, tt.want) {
				t.Errorf("the ring holds %v, want %v", got, tt.want)
			}
			want := Stats{Received: uint64(len(got)), Dropped: Drops{Lapped: uint64(len(tt.sizes) - len(got))}}
			if behind.Stats() != want {
				t.Errorf("counted %+v, want %+v", behind.Stats(), want)
			}
		})
	}
}

func TestBudgetIsSharedByTopics(t *testing.T) {
	total := NewBudget(100, nil)
	camera := NewBudget(60, total)
	large, small := NewTopic("large", Options{Budget: camera}), NewTopic("small", Options{Budget: camera})
	other := NewTopic("other", Options{Budget: total})
	for range 6 {
		large.Publish(frameOfSize(10))
	}
	held := func(what string, want ...int64) {
		t.Helper()
		got := []int64{large.usage.held, small.usage.held, other.usage.held, camera.Held(), total.Held()}
		if !slices.Equal(got, want) {
			t.Errorf("%s: held %v, want %v", what, got, want)
		}
	}
	held("one topic may use all of it", 60, 0, 0, 60, 60)
	small.Publish(frameOfSize(10))
	held("the other topic of the camera is below its share", 60, 10, 0, 70, 70)
	large.Publish(frameOfSize(10))
	held("the large one goes down to its share", 30, 10, 0, 40, 40)
	for range 8 {
		other.Publish(frameOfSize(10))
	}
	held("the seventh frame went beyond the total, and left it its share", 30, 10, 40, 40, 80)
	other.Publish(frameOfSize(90))
	held("the newest frame stays", 30, 10, 90, 40, 130)
	large.Publish(frameOfSize(90))
	held("in each topic", 90, 10, 90, 100, 190)
	small.Withdraw()
	held("a withdrawn frame counts no more", 90, 0, 90, 90, 180)
	large.End()
	held("a topic that has ended counts no more", 90, 0, 90, 0, 90)
	large.Publish(frameOfSize(10))
	large.End()
	held("whatever is done to it", 100, 0, 90, 0, 90)
	if camera.topics.Load() != 1 || total.topics.Load() != 2 {
		t.Errorf("%d and %d topics are counted, want 1 and 2", camera.topics.Load(), total.topics.Load())
	}
}

func TestTrimShrinksAnIdleTopicToItsShare(t *testing.T) {
	total := NewBudget(100, nil)
	idle, busy := NewTopic("idle", Options{Budget: total}), NewTopic("busy", Options{Budget: total})
	for range 10 {
		idle.Publish(frameOfSize(10))
	}
	idle.Trim()
	if idle.usage.held != 100 {
		t.Errorf("%d bytes are left within the budget, want 100", idle.usage.held)
	}
	busy.Publish(frameOfSize(10))
	idle.Trim()
	if idle.usage.held != 50 || total.Held() != 60 {
		t.Errorf("the idle topic holds %d bytes of %d, want 50 of 60", idle.usage.held, total.Held())
	}
}

// A reader that reads a head and then finds its slot empty must find the newer head. The test fails if the newest frame is dropped.
func TestReadersFindNewestWhileFramesAreDropped(t *testing.T) {
	const frames = 100000
	topic := NewTopic("camera", Options{Depth: 4, Bytes: 1})
	topic.Publish(frameOfSize(64))
	ctx := withHangTimeout(t)
	var readers sync.WaitGroup
	defer readers.Wait()
	for i := range 4 {
		s := topic.Subscribe(Mode(i % 2))
		readers.Go(func() {
			defer s.Close()
			for last := uint64(0); last < frames; {
				head := topic.Published()
				if f := topic.Newest(); f == nil || f.Seq < head {
					t.Errorf("the newest is %+v, although frame %d was published", f, head)
					return
				}
				f, err := s.Next(ctx)
				if err != nil || f.Seq <= last || s.mode == Latest && f.Seq < head {
					t.Errorf("got %+v, %v after %d with the head at %d", f, err, last, head)
					return
				}
				last = f.Seq
			}
			if got := s.Stats(); got.Received+got.Dropped.Total() != frames {
				t.Errorf("%+v, want %d passed", got, frames)
			}
		})
	}
	for topic.Published() < frames && ctx.Err() == nil {
		topic.Publish(frameOfSize(64))
	}
}

// A reader reads the head. The frame is overtaken and dropped before the reader reads its slot.
func TestReaderFindsNewerHeadIfItsSlotWasEmptied(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 8, Bytes: 1})
	s := topic.Subscribe(Latest)
	publishUntil(topic, 5)
	if f := s.newest(3); f.Seq != 5 {
		t.Errorf("got frame %d, want 5", f.Seq)
	}
	if f := topic.Subscribe(InOrder).oldest(1, 3); f.Seq != 5 {
		t.Errorf("in order: got frame %d, want 5", f.Seq)
	}
}

// Several publishers share a budget, each with its own goroutine and readers. Every reader counts each frame, and the budget is exact
// at the end.
func TestEveryFrameIsCountedWithinASharedBudget(t *testing.T) {
	const frames, topics = 5000, 4
	ctx, total := withHangTimeout(t), NewBudget(64*20, nil)
	var done sync.WaitGroup
	var all []*Topic
	var over atomic.Int64
	for n := range topics {
		topic := NewTopic(fmt.Sprint(n), Options{Depth: 16, Budget: NewBudget(64*12, total)})
		all = append(all, topic)
		for i := range 4 {
			r := checkedReader{topic: topic, mode: Mode(i % 2), pause: 10 * (i / 2), minHeld: 1}
			done.Go(func() {
				if err := r.run(ctx, 0, frames); err != nil {
					t.Errorf("topic %d, reader %d: %v", n, i, err)
				}
			})
		}
		done.Go(func() {
			random := rand.New(rand.NewPCG(3, uint64(n)))
			for topic.Published() < frames {
				topic.Publish(testFrame(topic.Published() + 1))
				// A topic that does not publish may keep more than its share for now, and each may be about to drop a frame.
				if total.Held() > 64*(2*20+topics) {
					over.Store(total.Held())
				}
				if random.IntN(10) == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	done.Wait()
	held := int64(0)
	for _, topic := range all {
		topic.Trim()
		held += topic.usage.held
	}
	if over.Load() > 0 || held > 64*20 {
		t.Errorf("the topics held up to %d bytes, and %d at the end, of a budget of %d", over.Load(), held, 64*20)
	}
	if held != total.Held() {
		t.Errorf("the topics hold %d bytes, %d are counted", held, total.Held())
	}
}

// Each frame has a format of its own, which is larger than the frame.
func TestRingCountsFormats(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 64, Bytes: 1000})
	for range 64 {
		topic.Publish(Frame{Wire: make([]byte, 10), Format: &Format{Init: make([]byte, 190)}})
	}
	held := 0
	for i := range topic.slots {
		if f := topic.slots[i].Load(); f != nil {
			held += len(f.Wire) + len(f.Format.Init)
		}
	}
	if held != 1000 {
		t.Errorf("%d bytes in the ring, at most 1000", held)
	}
	same := &Format{Init: make([]byte, 190)}
	for range 100 {
		topic.Publish(Frame{Wire: make([]byte, 10), Format: same})
	}
	if topic.usage.held != 640 {
		t.Errorf("%d bytes of 64 frames with one format", topic.usage.held)
	}
}
