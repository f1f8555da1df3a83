package broker

import (
	"sync"
	"sync/atomic"
	"time"
)

// DefaultDepth is how many frames a topic holds by default: a second of a 30 fps camera for readers in order,
// 3 MB of 100 KB pictures.
const DefaultDepth = 32

// Options of a topic; the zero value is a good one.
type Options struct {
	// Depth is how many frames the ring holds, rounded up to a power of two. 0 means DefaultDepth.
	Depth int
	// Linger is how long a topic stays wanted after its last subscription closed, so that a page reload does not
	// stop and start an encoder. 0 means at once.
	Linger time.Duration
	// Bytes is how many bytes of frames the ring holds at most; its newest frame stays even if it is larger. 0 means
	// DefaultTopicBytes.
	Bytes int64
	// Budget is shared with other topics and bounds them together. nil is none.
	Budget *Budget
	// Demand is the channel that [Topic.Demand] returns: one with room for one value, which a publisher's topics may
	// share. nil makes the topic one of its own.
	Demand chan struct{}
}

// Topic is a ring of the newest frames of one stream. One goroutine at a time publishes; all else is safe for
// concurrent use.
type Topic struct {
	name    string
	slots   []atomic.Pointer[Frame]
	mask    uint64
	head    atomic.Uint64                // Seq of the newest frame, 0 before the first
	expired atomic.Uint64                // Seq up to which frames are expired
	signal  atomic.Pointer[updateSignal] // nil while nobody waits
	usage   ringUsage                    // the publisher's own account of what the slots hold
	ended   chan struct{}                // closed by End
	endOnce sync.Once                    // of End
	demand
}

// signal wakes all readers that wait for the next frame. It fires once.
type updateSignal struct{ fired chan struct{} }

// NewTopic returns an empty topic. name is for people: logs and metrics.
func NewTopic(name string, o Options) *Topic {
	if o.Depth <= 0 {
		o.Depth = DefaultDepth
	}
	depth := 2
	for depth < o.Depth {
		depth *= 2
	}
	if o.Bytes <= 0 {
		o.Bytes = DefaultTopicBytes
	}
	t := &Topic{name: name, slots: make([]atomic.Pointer[Frame], depth), mask: uint64(depth - 1), ended: make(chan struct{})}
	t.usage = ringUsage{sizes: make([]int64, depth), limit: o.Bytes, budget: o.Budget}
	t.demand.init(o)
	return t
}

// Name returns the name that the topic was made with.
func (t *Topic) Name() string { return t.name }

// Publish makes f the newest frame, gives it the next Seq and wakes the readers that wait. It never blocks. The
// returned frame is the one that readers share.
func (t *Topic) Publish(f Frame) *Frame {
	f.Seq = t.head.Load() + 1
	// The slot before the head: a reader that sees the head finds this frame in its slot, or a newer one.
	t.slots[f.Seq&t.mask].Store(&f)
	t.head.Store(f.Seq)
	// The head before the signal: one that was set before this line is fired, and a reader that sets one after it looks at
	// the head afterwards and sees f.
	if b := t.signal.Swap(nil); b != nil {
		close(b.fired)
	}
	t.usage.set(f.Seq&t.mask, int64(len(f.Part)))
	t.Trim()
	return &f
}

// Trim drops the oldest frames until the ring is within its limit and its budget. Publish does so by itself; a publisher
// that has no frames calls it from time to time, since the other topics of its budget may need the room. It belongs to the publisher.
func (t *Topic) Trim() {
	if t.usage.exceeded() {
		t.shrinkTo(t.usage.allowance())
	}
}

// shrinkTo drops the oldest frames until the ring holds at most so many bytes, or only the newest frame.
func (t *Topic) shrinkTo(bytes int64) {
	head := t.head.Load()
	if depth := uint64(len(t.slots)); head > depth {
		t.usage.tail = max(t.usage.tail, head-depth)
	}
	// Below the head: the newest frame stays, and so a reader that finds an empty slot also finds a newer head.
	for t.usage.held > bytes && t.usage.tail+1 < head {
		t.usage.tail++
		t.slots[t.usage.tail&t.mask].Store(nil)
		t.usage.set(t.usage.tail&t.mask, 0)
	}
}

// Expire hides the frames published so far from new subscriptions: those of a stream that stops without readers would
// be old pictures to the next one. The ring drops all but the newest. It belongs to the publisher.
func (t *Topic) Expire() {
	t.expired.Store(t.head.Load())
	t.shrinkTo(0)
}

// Withdraw puts f in the place of every frame that the topic holds, each time with the Seq of the frame that it replaces:
// no reader can get one of those from here on, and none counts one more or less. It wakes nobody. It belongs to the publisher.
func (t *Topic) Withdraw(f Frame) {
	for i := range t.slots {
		if held := t.slots[i].Load(); held != nil {
			// The same Seq in the same slot: a reader that looks for it finds one or the other, and no gap.
			replacement := f
			replacement.Seq = held.Seq
			t.slots[i].Store(&replacement)
			t.usage.set(uint64(i), 0) // the bytes of f are shared, and not counted
		}
	}
}

// End says that no frame will follow, now or ever: its readers may go. It belongs to the publisher, and may be called twice.
func (t *Topic) End() {
	t.endOnce.Do(func() {
		close(t.ended)
		t.usage.close()
	})
}

// Ended returns a channel that End closes.
func (t *Topic) Ended() <-chan struct{} { return t.ended }

// Newest returns the newest frame, or nil if there is none that has not expired. It counts for no subscription.
func (t *Topic) Newest() *Frame {
	for {
		head := t.head.Load()
		if head <= t.expired.Load() {
			return nil
		}
		// An empty slot: the frame was overtaken and dropped since head was read, so there is a newer one.
		if f := t.slots[head&t.mask].Load(); f != nil {
			return f
		}
	}
}

// Published returns how many frames have been published.
func (t *Topic) Published() uint64 { return t.head.Load() }

// updated returns a channel that the next Publish closes.
func (t *Topic) updated() <-chan struct{} {
	var fresh *updateSignal
	for {
		if b := t.signal.Load(); b != nil {
			return b.fired
		}
		if fresh == nil {
			fresh = &updateSignal{fired: make(chan struct{})}
		}
		if t.signal.CompareAndSwap(nil, fresh) {
			return fresh.fired
		}
	}
}
