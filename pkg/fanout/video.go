package fanout

import (
	"io"
	"syscall"
	"time"

	"camd/pkg/broker"
)

// roundSize is how many bytes a viewer of video gets before the other viewers get theirs. A viewer that joins gets up to a whole group of
// pictures, which must not delay the others.
const roundSize = 256 << 10

// videoState is the state of a viewer with a Muxer. Each such viewer has its own subscription, because the frames that it can decode
// depend on those that it got.
type videoState struct {
	sub      *broker.Subscription
	joinedAt uint64       // Seq of the newest frame when the viewer was added
	dropped  broker.Drops // as Counts has them from the subscription

	// The frame that the viewer is getting; nil between two frames.
	frame      *broker.Frame
	head, rest []byte // what the socket has not taken of it
	isBegun    bool   // the socket has taken a part of it
}

func (s *videoState) subscribe(t *broker.Topic) {
	s.joinedAt, s.sub = t.Published(), t.Subscribe(broker.Decodable)
}

func (s *videoState) close() {
	if s.sub != nil {
		s.sub.Close()
	}
}

// sendRound sends a viewer of video its next frames: until it has all, its socket takes no more, or it has got roundSize bytes.
func (s *sender) sendRound(v *Viewer) {
	for left := roundSize; left > 0; {
		if v.video.frame == nil && !v.takeFrame() {
			return
		}
		n, ok := s.sendPart(v, left)
		if !ok {
			return
		}
		left -= n
	}
	s.hasMore = true
}

// takeFrame takes the viewer's next frame from its subscription. It returns false if there is none, or the stream ends before it.
func (v *Viewer) takeFrame() bool {
	p := &v.video
	for {
		f := p.sub.TryNext()
		v.Counts.CountRingDrops(&p.dropped, p.sub.Stats().Dropped)
		if f == nil {
			return false
		}
		if v.Filter != nil {
			if decision := v.Filter(f); decision != Send {
				v.Counts.CountDropped(decision)
				continue
			}
		}
		head, rest, err := v.Muxer.Mux(f)
		if err != nil {
			p.sub.Unread(f)
			v.err = err
			return false
		}
		p.frame, p.head, p.rest, p.isBegun = f, head, rest, false
		return true
	}
}

// sendPart passes at most limit bytes of the viewer's frame to the kernel, but always the head. It returns how many the kernel took, and
// whether the viewer can get more now.
func (s *sender) sendPart(v *Viewer, limit int) (int, bool) {
	p := &v.video
	part := p.rest[:min(len(p.rest), max(limit-len(p.head), 0))]
	n, errno := sendBoth(v.fd, p.head, part)
	if n > 0 {
		v.Counts.Bytes.Add(uint64(n))
		if !p.isBegun {
			v.Muxer.Sent()
			p.isBegun = true
		}
	}
	isFull := n < len(p.head)+len(part)
	inHead := min(n, len(p.head))
	p.head, p.rest = p.head[inHead:], p.rest[n-inHead:]
	switch {
	case errno != 0 && errno != syscall.EAGAIN:
		v.abandonFrame()
		v.err = errno
	case isFull && !p.isBegun:
		// It may be late when the socket takes bytes again. The subscription decides then.
		v.abandonFrame()
		s.handOff(pendingWrite{sender: s, viewer: v})
	case isFull:
		s.handOff(pendingWrite{sender: s, viewer: v, frame: p.frame, head: p.head, rest: p.rest, isCounted: true})
		p.frame, p.head, p.rest = nil, nil, nil
	case len(p.head)+len(p.rest) == 0:
		s.completeFrame(v)
	}
	return n, !isFull
}

// completeFrame counts the viewer's frame after the socket has taken its last byte.
func (s *sender) completeFrame(v *Viewer) {
	f, now := v.video.frame, time.Now()
	v.video.frame, v.video.head, v.video.rest = nil, nil, nil
	v.recordSent(f, now)
	if v.hasAge(f) {
		s.ages = append(s.ages, now.Sub(f.Captured))
	}
}

// abandonFrame gives up the viewer's frame. One that is begun counts as dropped. Any other one is given back to the subscription.
func (v *Viewer) abandonFrame() {
	p := &v.video
	if p.isBegun {
		v.Counts.DroppedSlow.Add(1)
	} else {
		p.sub.Unread(p.frame)
	}
	p.frame, p.head, p.rest = nil, nil, nil
}

// checkIdle ends the stream of a viewer of video that has left while there are no frames. Sending would not show that.
func (s *sender) checkIdle(v *Viewer, now time.Time) {
	if v.err == nil && now.Sub(v.lastFrameAt) >= s.opts.RepeatAfter && hasLeft(v.fd) {
		v.err = io.EOF
	}
}
