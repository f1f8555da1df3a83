package broker

import (
	"context"
	"errors"
	"time"
)

// Mode selects the frame that a reader gets when there are several new ones.
type Mode int

const (
	// Latest is for live viewers of pictures that need no other frames, such as JPEGs. The reader gets the newest frame. The older new
	// frames count as late.
	Latest Mode = iota
	// InOrder is for recorders and relays. The reader gets every frame that the ring still holds, oldest first. Frames that the ring
	// has dropped before the reader got them count as lapped.
	InOrder
	// Decodable is for live viewers of video. The reader gets frames in order, and only those that it can decode with what it got
	// before. It drops what is older than LateAfter, and continues at a keyframe. See [Subscription.TryNext].
	Decodable
)

// Subscription is one reader's cursor in a topic. Only one goroutine may call Next and TryNext. All other methods are safe for
// concurrent use.
type Subscription struct {
	topic  *Topic
	mode   Mode
	start  uint64        // Seq of the frame before the first one of the subscription
	cursor uint64        // Seq of the last frame passed; it belongs to the reader
	run    run           // of a reader in mode Decodable; it belongs to the reader
	period time.Duration // of SubscribeEvery or SetPeriod; guarded by demand.mu, as is closed
	closed bool
	counters
}

// Subscribe returns a subscription of a reader that wants every frame. It starts at the newest frame. In mode Decodable it starts at the
// newest keyframe if the topic is joinable (see [Topic.Joinable]). If no such frame is there, it starts at the next frame. The caller must
// close it.
func (t *Topic) Subscribe(mode Mode) *Subscription { return t.SubscribeEvery(mode, 0) }

// SubscribeEvery is [Topic.Subscribe] for a reader that needs a frame only once in a period: 0 means every frame, and One and Never are also
// allowed. The publisher learns the period from [Topic.Demand]. The subscription gets all frames that are published.
func (t *Topic) SubscribeEvery(mode Mode, period time.Duration) *Subscription {
	s := &Subscription{topic: t, mode: mode, period: period}
	if mode == Decodable {
		s.start, s.run = t.join()
	} else {
		s.start = t.head.Load()
		if f := t.slots[s.start&t.mask].Load(); s.start > t.expired.Load() && (f == nil || !f.Withdrawn) {
			s.start--
		}
	}
	s.cursor = s.start
	t.demand.openSubscription(s)
	return s
}

// SetPeriod changes the period of the subscription. Until Options.Linger has passed, the topic's demand counts the period before, as if its
// reader had left. After Close, SetPeriod does nothing.
func (s *Subscription) SetPeriod(period time.Duration) { s.topic.demand.changePeriod(s, period) }

// Close ends the subscription's demand for frames. Further calls do nothing. It does not wake Next: cancel the context for that.
func (s *Subscription) Close() { s.topic.demand.closeSubscription(s) }

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

// TryNext returns the next frame, or nil if there is none for this reader yet. It does not wait.
//
// In mode Decodable, a frame is late if it was published more than LateAfter ago. A late frame that is disposable is dropped alone.
// Otherwise the reader continues at the topic's newest keyframe if that comes after the late frame, and else at the next keyframe. It
// also continues at a keyframe after the ring has dropped frames, or the publisher has withdrawn some. What it skips counts as resync.
// Frames that were there when the reader subscribed are not late during the first CatchUp, so that it can begin at a keyframe.
func (s *Subscription) TryNext() *Frame {
	head := s.topic.head.Load()
	// The head can be lower than the cursor: a reader that was lapped may have got the frame whose Seq is about to become the head.
	if head <= s.cursor {
		return nil
	}
	var f *Frame
	switch s.mode {
	case Latest:
		f = s.nextLatest(head)
	case InOrder:
		f = s.nextInOrder(head)
	default:
		f = s.nextDecodable(head, s.topic.now())
	}
	if f != nil {
		s.received.Add(1)
	}
	return f
}

// Unread gives back the frame that TryNext has just returned, as if TryNext had not returned it. A reader that cannot use the frame yet
// calls it, so that the rules about lateness apply again at the next TryNext. Call it at most once for each frame, and before the next
// TryNext.
func (s *Subscription) Unread(f *Frame) {
	s.cursor = f.Seq - 1
	s.received.Add(^uint64(0))
}

// Updated returns a channel that the topic's next Publish closes. It is for readers that wait for other events too. Call it before
// TryNext, not after: then a Publish that TryNext does not see is yet to close the channel.
func (s *Subscription) Updated() <-chan struct{} { return s.topic.updated() }

// Ended returns a channel that is closed when the topic has ended. TryNext may still return frames that were published before.
func (s *Subscription) Ended() <-chan struct{} { return s.topic.ended }
