package broker

import (
	"context"
	"errors"
	"sync/atomic"
)

// Mode selects the frame that a reader gets when there are several new ones.
type Mode int

const (
	// Latest is for live viewers. The reader gets the newest frame; older new frames count as dropped.
	Latest Mode = iota
	// InOrder is for recorders and relays. The reader gets every frame that the ring still holds, oldest first. Frames that the ring
	// has dropped before the reader got them count as dropped.
	InOrder
)

// Stats counts the frames of a subscription. Received + Dropped is the number of frames that it has passed since its start. The sum is
// exact while its reader is between two calls of Next.
type Stats struct {
	Received, Dropped uint64
}

// Subscription is one reader's cursor in a topic. Only one goroutine may call Next and TryNext. All other methods are safe for
// concurrent use.
type Subscription struct {
	topic    *Topic
	mode     Mode
	start    uint64        // Seq of the frame before the first one of the subscription
	cursor   atomic.Uint64 // Seq of the last frame passed; only the reader writes it
	received atomic.Uint64 // only the reader writes it
	closed   atomic.Bool
}

// Subscribe returns a subscription that starts at the newest frame. If there is none, or it has expired, the subscription starts at the
// next frame. The caller must close it.
func (t *Topic) Subscribe(mode Mode) *Subscription {
	s := &Subscription{topic: t, mode: mode, start: t.head.Load()}
	if s.start > t.expired.Load() {
		s.start--
	}
	s.cursor.Store(s.start)
	t.demand.add()
	return s
}

// Close ends the subscription's demand for frames. Further calls do nothing. It does not wake Next: cancel the context for that.
func (s *Subscription) Close() {
	if !s.closed.Swap(true) {
		s.topic.demand.remove()
	}
}

// Stats returns what the subscription has received and dropped so far.
func (s *Subscription) Stats() Stats {
	// Read received first. If the reader moves in the meantime, received may be too small for the cursor, but never too large. With a larger
	// value, Dropped would wrap around.
	received := s.received.Load()
	return Stats{Received: received, Dropped: s.cursor.Load() - s.start - received}
}

// ErrEnded is the error of Next when the topic has ended and no frame is left.
var ErrEnded = errors.New("the stream has ended")

// Next returns the next frame, and waits for it if there is no new one. It returns ctx's error if ctx has ended, even if there is a new
// frame. It returns ErrEnded if the topic has ended and no frame is left.
func (s *Subscription) Next(ctx context.Context) (*Frame, error) {
	// Check ctx first: a slow reader always finds a new frame and never reaches the select below.
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

// TryNext returns the next frame, or nil if there is no new one. It does not wait.
func (s *Subscription) TryNext() *Frame {
	head, cursor := s.topic.head.Load(), s.cursor.Load()
	// The head can be lower: a reader that was lapped may have got the frame whose Seq is about to become the head.
	if head <= cursor {
		return nil
	}
	var f *Frame
	if s.mode == Latest {
		f = s.newest(head)
	} else {
		f = s.oldest(cursor, head)
	}
	// The frames between the old cursor and f are those that this reader has missed.
	s.cursor.Store(f.Seq)
	// Add after the cursor was stored: Stats reads in the other order, so every frame that it counts as received is also passed.
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
		// Publish overwrote the slot after head was read, or emptied it to stay within its bytes. A frame found there comes after a
		// whole ring of frames that are still held, so do not take it. The frame want is lost: look for the next one.
		cursor, head = want, s.topic.head.Load()
	}
}

// Updated returns a channel that the topic's next Publish closes. It is for readers that wait for other events too. Call it before
// TryNext, not after: then a Publish that TryNext does not see is yet to close the channel.
func (s *Subscription) Updated() <-chan struct{} { return s.topic.updated() }

// Ended returns a channel that is closed when the topic has ended. TryNext may still return frames that were published before.
func (s *Subscription) Ended() <-chan struct{} { return s.topic.ended }
