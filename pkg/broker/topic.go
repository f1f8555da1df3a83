package broker

import (
	"sync"
	"sync/atomic"
	"time"
)

// DefaultDepth is the default of Options.Depth: a second of a camera with 30 fps, or 3 MB in pictures of 100 KB.
const DefaultDepth = 32

// Options are the options of a topic. The zero value has all defaults.
type Options struct {
	// Depth is how many frames the ring holds, rounded up to a power of two. 0 means DefaultDepth.
	Depth int
	// Linger is how long a topic stays wanted after its last subscription was closed, so that a page reload does not
	// stop and start an encoder. 0 means not at all.
	Linger time.Duration
	// Bytes bounds the bytes of frames that the ring holds. The newest frame stays even if it is larger. 0 means
	// DefaultTopicBytes.
	Bytes int64
	// Budget bounds the bytes of this and other topics together. nil means no budget.
	Budget *Budget
	// Demand is the channel that [Topic.Demand] returns. It must have room for one value. Several topics of one publisher may
	// share it. nil means that the topic makes its own.
	Demand chan struct{}
}

// Topic is a ring of the newest frames of one stream. Publish, Trim, Expire, Withdraw and End belong to the publisher: only one
// goroutine may call them at a time. All other methods are safe for concurrent use.
type Topic struct {
	name    string
	slots   []atomic.Pointer[Frame]
	mask    uint64
	head    atomic.Uint64                // Seq of the newest frame, 0 before the first
	expired atomic.Uint64                // Seq up to which frames are expired
	signal  atomic.Pointer[updateSignal] // nil while nobody waits
	usage   ringUsage                    // the bytes that the slots hold; only the publisher uses it
	ended   chan struct{}                // closed by End
	endOnce sync.Once                    // for End
	demand
}

// updateSignal wakes all readers that wait for the next frame. It fires once.
type updateSignal struct{ fired chan struct{} }

// NewTopic returns an empty topic. The name appears in logs and error messages.
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

// Publish makes f the newest frame, gives it the next Seq, wakes the readers that wait, and trims the ring. It never blocks. It returns
// the frame that readers share.
func (t *Topic) Publish(f Frame) *Frame {
	f.Seq = t.head.Load() + 1
	// Store the slot before the head: a reader that sees the new head finds f in its slot, or a newer frame.
	t.slots[f.Seq&t.mask].Store(&f)
	t.head.Store(f.Seq)
	// Store the head before firing the signal: a signal that was set before this line is fired here. A reader that sets a signal after
	// this line then reads the head and sees f.
	if b := t.signal.Swap(nil); b != nil {
		close(b.fired)
	}
	t.usage.set(f.Seq&t.mask, int64(len(f.Part)))
	t.Trim()
	return &f
}

// Trim drops the oldest frames until the ring is within Options.Bytes and its share of the budget. It never drops the newest
// frame. Publish trims, too. A publisher without new frames should call Trim now and then, because other topics of the budget may
// need the bytes.
func (t *Topic) Trim() {
	if t.usage.exceeded() {
		t.shrinkTo(t.usage.allowance())
	}
}

// shrinkTo drops the oldest frames until the ring holds at most this many bytes, or only the newest frame.
func (t *Topic) shrinkTo(bytes int64) {
	head := t.head.Load()
	if depth := uint64(len(t.slots)); head > depth {
		t.usage.tail = max(t.usage.tail, head-depth)
	}
	// Empty only slots below the head: the newest frame stays, and a reader that finds an empty slot also finds a newer head.
	for t.usage.held > bytes && t.usage.tail+1 < head {
		t.usage.tail++
		t.slots[t.usage.tail&t.mask].Store(nil)
		t.usage.set(t.usage.tail&t.mask, 0)
	}
}

// Expire hides all frames that were published so far from new subscriptions and from Newest. Then it drops all but the newest frame.
// Call it when a stream stops because it has no readers, so that the next reader does not begin with an old picture. Open subscriptions
// still get the newest frame.
func (t *Topic) Expire() {
	t.expired.Store(t.head.Load())
	t.shrinkTo(0)
}

// Withdraw replaces every frame that the topic holds by a copy of f with the Seq of the replaced frame. When it returns, no
// reader can get a replaced frame. The counts of subscriptions do not change, and waiting readers are not woken. A reader that
// has passed a frame does not get its replacement: publish f afterwards for that.
func (t *Topic) Withdraw(f Frame) {
	for i := range t.slots {
		if held := t.slots[i].Load(); held != nil {
			// Keep the Seq in its slot: a reader that looks for this Seq finds one of the two frames, and no gap.
			replacement := f
			replacement.Seq = held.Seq
			t.slots[i].Store(&replacement)
			t.usage.set(uint64(i), 0) // all replacements share the bytes of f, which are not counted
		}
	}
}

// End ends the topic: the publisher must not publish any more. Readers get the frames that are left and then ErrEnded. Further calls do
// nothing.
func (t *Topic) End() {
	t.endOnce.Do(func() {
		close(t.ended)
		t.usage.close()
	})
}

// Ended returns a channel that End closes.
func (t *Topic) Ended() <-chan struct{} { return t.ended }

// Newest returns the newest frame, or nil if there is none or it has expired. It does not change the counts of any subscription.
func (t *Topic) Newest() *Frame {
	for {
		head := t.head.Load()
		if head <= t.expired.Load() {
			return nil
		}
		// If the slot is empty, the frame was dropped after head was read, so there is a newer one.
		if f := t.slots[head&t.mask].Load(); f != nil {
			return f
		}
	}
}

// Published returns how many frames have been published so far.
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
