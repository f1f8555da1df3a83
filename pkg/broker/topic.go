package broker

import (
	"sync"
	"sync/atomic"
	"time"
)

// DefaultDepth is the default of Options.Depth: a second of a camera with 30 fps, or 3 MB in pictures of 100 KB.
const DefaultDepth = 32

// VideoOptions returns the options of a topic of video: two groups of pictures of at most 8 MiB, 4096 frames and 30 seconds together.
func VideoOptions() Options {
	return Options{Depth: 4096, Bytes: DefaultTopicBytes, MaxAge: 30 * time.Second, Groups: 2}
}

// Options are the options of a topic. The zero value has all defaults.
type Options struct {
	// Depth is how many frames the ring holds, rounded up to a power of two. 0 means DefaultDepth.
	Depth int
	// Linger is how long a reader counts in Demand after its subscription was closed, so that a page reload does not stop and start an
	// encoder. 0 means not at all.
	Linger time.Duration
	// Bytes bounds the bytes of frames that the ring holds, with Format.Init for the first frame of each format. The newest frame stays
	// even if it is larger. 0 means DefaultTopicBytes.
	Bytes int64
	// MaxAge is how long after Publish the ring holds a frame, except the newest. 0 means no bound.
	MaxAge time.Duration
	// Groups is how many groups of pictures the ring holds: the newest keyframes, each with the frames up to the next one. 0 means
	// no bound. The other bounds win: the ring may hold fewer groups.
	Groups int
	// Budget bounds the bytes of this and other topics together. nil means no budget.
	Budget *Budget
	// Demand is the channel that [Topic.DemandChanged] returns. It must have room for one value. Several topics of one publisher may
	// share it. nil means that the topic makes its own.
	Demand chan struct{}
}

// Topic is a ring of the newest frames of one stream. Publish, Trim, Expire, Withdraw and End belong to the publisher: only one
// goroutine may call them at a time. All other methods are safe for concurrent use.
type Topic struct {
	name      string
	slots     []atomic.Pointer[Frame]
	mask      uint64
	head      atomic.Uint64                // Seq of the newest frame, 0 before the first
	newestKey atomic.Uint64                // Seq of the newest keyframe, 0 before the first
	expired   atomic.Uint64                // Seq up to which frames are expired
	withdrawn atomic.Uint64                // how often Withdraw has returned
	signal    atomic.Pointer[updateSignal] // nil while nobody waits
	usage     ringUsage                    // the bytes that the slots hold; only the publisher uses it
	keyframes keyframes                    // only the publisher uses it
	format    *Format                      // of the newest frame; only the publisher uses it
	maxAge    time.Duration                // Options.MaxAge
	created   time.Time                    // for now
	ended     chan struct{}                // closed by End
	endOnce   sync.Once                    // for End
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
	t := &Topic{name: name, slots: make([]atomic.Pointer[Frame], depth), mask: uint64(depth - 1), maxAge: o.MaxAge, ended: make(chan struct{})}
	t.keyframes, t.created = newKeyframes(o.Groups), time.Now()
	t.usage = ringUsage{sizes: make([]int64, depth), limit: o.Bytes, budget: o.Budget}
	t.demand.init(o)
	return t
}

// Name returns the name that the topic was made with.
func (t *Topic) Name() string { return t.name }

// Publish makes f the newest frame, sets its Seq, KeySeq and Published, wakes the readers that wait, and trims the ring. It never blocks.
// It returns the frame that readers share.
//
// Do not publish frames of a video that cannot be decoded because the source has lost others: readers take every frame after a keyframe
// for decodable if they got those between.
func (t *Topic) Publish(f Frame) *Frame {
	f.Seq, f.Published, f.Withdrawn = t.head.Load()+1, t.now(), false
	f.KeySeq = t.keyframes.add(&f)
	if f.Format == nil {
		f.Format = unknownFormat
	}
	// Store the slot before the head: a reader that sees the new head finds f in its slot, or a newer frame.
	t.slots[f.Seq&t.mask].Store(&f)
	// Store the keyframe before the head: a reader that starts after the new head because it found no keyframe would miss this one.
	if f.Key {
		t.newestKey.Store(f.Seq)
	}
	t.head.Store(f.Seq)
	// Store the head before firing the signal: a signal that was set before this line is fired here. A reader that sets a signal after
	// this line then reads the head and sees f.
	if b := t.signal.Swap(nil); b != nil {
		close(b.fired)
	}
	size := len(f.Wire)
	if f.Format != t.format { // else a stream of small frames with a new format each would hold many times its bytes
		t.format = f.Format
		size += len(f.Format.Init)
	}
	t.usage.set(f.Seq&t.mask, int64(size))
	t.trim(f.Published)
	return &f
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

// Newest returns the newest frame, or nil if there is none, or it has expired or was withdrawn. It does not change the counts of any subscription.
func (t *Topic) Newest() *Frame {
	for {
		head := t.head.Load()
		if head <= t.expired.Load() {
			return nil
		}
		// If the slot is empty, the frame was dropped after head was read, so there is a newer one.
		if f := t.slots[head&t.mask].Load(); f != nil && f.Withdrawn {
			return nil
		} else if f != nil {
			return f
		}
	}
}

// now returns the time by the monotonic clock. It reads only that clock, so it costs half of what time.Now does.
func (t *Topic) now() time.Time { return t.created.Add(time.Since(t.created)) }

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
