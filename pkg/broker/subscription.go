package broker

import (
	"context"
	"errors"
	"sync/atomic"
)

// Mode says which frame a reader gets when several are waiting for it.
type Mode int

const (
	// Latest is for live viewers: always the newest frame; those passed over count as dropped.
	Latest Mode = iota
	// InOrder is for recorders and relays: every frame, oldest held first, with a jump only when the ring lapped the
	// reader; those lost to the lap count as dropped.
	InOrder
)

// Stats is what has happened to a subscription. Received + Dropped is the number of frames published since its start
// that it has passed, exactly whenever its reader is between two calls of Next.
type Stats struct {
	Received, Dropped uint64
}

// Subscription is one reader's place in a topic. Next belongs to one goroutine; Stats and Close may be called from any.
type Subscription struct {
	topic    *Topic
	mode     Mode
	start    uint64        // Seq of the last frame before its first
	cursor   atomic.Uint64 // Seq of the last frame passed; written by the reader alone
	received atomic.Uint64 // written by the reader alone
	closed   atomic.Bool
}

// Subscribe starts reading at the newest frame, or at the next one if there is none or it has expired. Close it when done.
func (t *Topic) Subscribe(mode Mode) *Subscription {
	s := &Subscription{topic: t, mode: mode, start: t.head.Load()}
	if s.start > t.expired.Load() {
		s.start--
	}
	s.cursor.Store(s.start)
	t.demand.add()
	return s
}

// Close ends the subscription's demand for frames. It is idempotent and does not wake Next: cancel its context.
func (s *Subscription) Close() {
	if !s.closed.Swap(true) {
		s.topic.demand.remove()
	}
}

// Stats returns what the subscription has received and dropped so far.
func (s *Subscription) Stats() Stats {
	// Received first: seen while the reader moves, it may lag behind the cursor and never runs ahead of it, which would
	// make Dropped wrap around.
	received := s.received.Load()
	return Stats{Received: received, Dropped: s.cursor.Load() - s.start - received}
}

// ErrEnded is why there is no next frame: the topic has ended.
var ErrEnded = errors.New("the stream has ended")

// Next returns the next frame for this reader and waits for one if need be. Its error is ctx's, and a ctx that has ended comes
// before a frame that is ready, or ErrEnded behind the last frame of a topic that has ended.
func (s *Subscription) Next(ctx context.Context) (*Frame, error) {
	// Looked at first: a reader so slow that a frame is always ready would never see its end in the select below.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f := s.TryNext(); f != nil {
		return f, nil
	}
	for {
		// Take the channel before TryNext: a Publish that TryNext does not see has yet to close it.
		updated := s.topic.updated()
		if f := s.TryNext(); f != nil {
			return f, nil
		}
		select {
		case <-updated:
		case <-s.topic.ended:
			if f := s.TryNext(); f != nil { // published before the end
				return f, nil
			}
			return nil, ErrEnded
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// TryNext is Next without waiting: nil when there is no new frame.
func (s *Subscription) TryNext() *Frame {
	head, cursor := s.topic.head.Load(), s.cursor.Load()
	// Less, not only equal: a reader that was lapped can hold the frame whose Seq is about to become the head.
	if head <= cursor {
		return nil
	}
	var f *Frame
	if s.mode == Latest {
		f = s.newest(head)
	} else {
		f = s.oldest(cursor, head)
	}
	// What lies between the cursor and the frame's own Seq is what this reader has missed, whatever overtook it.
	s.cursor.Store(f.Seq)
	// After the cursor: Stats, which reads in the other order, finds every received frame passed.
	s.received.Add(1)
	return f
}

// newest returns the frame that was the newest when head was read, or a newer one.
func (s *Subscription) newest(head uint64) *Frame {
	for {
		if f := s.topic.slots[head&s.topic.mask].Load(); f != nil {
			return f
		}
		// The frame was overtaken and dropped since head was read: the head has moved on.
		head = s.topic.head.Load()
	}
}

// oldest returns the oldest frame after cursor that the ring still holds.
func (s *Subscription) oldest(cursor, head uint64) *Frame {
	for {
		want := cursor + 1
		if depth := uint64(len(s.topic.slots)); head-cursor > depth {
			want = head - depth + 1
		}
		if f := s.topic.slots[want&s.topic.mask].Load(); f != nil && f.Seq == want {
			return f
		}
		// Publish overwrote the slot after head was read, or emptied it to stay within its bytes. Taking the frame found there
		// would skip a whole ring that is still held; want is lost, so look for what follows it.
		cursor, head = want, s.topic.head.Load()
	}
}

// Updated returns a channel that the topic's next Publish closes, for readers that wait for more than a frame. Take it
// before TryNext, not after: a Publish that TryNext does not see has yet to close it.
func (s *Subscription) Updated() <-chan struct{} { return s.topic.updated() }

// Ended returns a channel that is closed when the topic has ended; frames that came before may be left to take.
func (s *Subscription) Ended() <-chan struct{} { return s.topic.ended }
