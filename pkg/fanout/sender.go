package fanout

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"camd/pkg/broker"
)

// sender serves some viewers of one topic. Only its goroutine uses its fields, except those whose comment says otherwise.
type sender struct {
	*Fanout
	topic         *broker.Topic
	sub           *broker.Subscription
	viewers       []*Viewer
	ages          []time.Duration
	hasMore       bool           // a viewer of video can get more at once: its round was over
	pendingWrites sync.WaitGroup // goroutines that write the rest of a frame

	lastHeartbeat atomic.Int64 // when run last completed a loop, in nanoseconds since the fan-out was created

	viewerCount int // viewers added and not yet removed; guarded by Fanout.mu

	wake    chan struct{} // has a token after a viewer was appended to added or resumed
	queueMu sync.Mutex    // guards added and resumed
	added   []*Viewer
	resumed []*Viewer // no longer busy
}

// newSender returns a sender whose first viewer will have the given period.
func newSender(f *Fanout, t *broker.Topic, period time.Duration) *sender {
	s := &sender{Fanout: f, topic: t, sub: t.SubscribeEvery(broker.Latest, period), wake: make(chan struct{}, 1)}
	s.heartbeat()
	return s
}

// add adds a viewer to the sender. The caller holds Fanout.mu, so that the sender does not end in the meantime.
func (s *sender) add(v *Viewer) {
	s.viewerCount++
	s.enqueue(&s.added, v)
}

// enqueue appends v to added or resumed, and wakes run.
func (s *sender) enqueue(list *[]*Viewer, v *Viewer) {
	s.queueMu.Lock()
	*list = append(*list, v)
	s.queueMu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run sends frames until the last viewer has left, the topic has ended, or the fan-out closes.
func (s *sender) run() {
	defer s.sub.Close()
	repeatTicker := time.NewTicker(s.opts.RepeatAfter)
	defer repeatTicker.Stop()
	for ; ; s.heartbeat() {
		// Call Updated before TryNext: then a Publish that TryNext does not see is yet to close the channel.
		updated := s.sub.Updated()
		if f := s.sub.TryNext(); f != nil || s.hasMore {
			s.sendToAll(f)
		} else {
			select {
			case <-updated:
				continue
			case <-s.wake:
			case now := <-repeatTicker.C:
				s.repeatFrames(now)
			case <-s.closing:
				s.closeViewers(nil)
				return
			case <-s.topic.Ended():
				s.unregister()
				s.closeViewers(broker.ErrEnded)
				return
			}
		}
		if !s.updateViewers() {
			return
		}
	}
}

// sendToAll sends a frame to every viewer that is not busy. A viewer of video gets its own next frames. f may be nil if there is none.
func (s *sender) sendToAll(f *broker.Frame) {
	s.hasMore = false
	for _, v := range s.viewers {
		if !v.busy && v.err == nil {
			s.serve(v, f)
		}
	}
	if len(s.ages) > 0 {
		s.opts.ObserveAges(s.topic, s.ages)
		s.ages = s.ages[:0]
	}
}

// serve sends v what is new: the newest frame, or the next frames of a viewer of video.
func (s *sender) serve(v *Viewer, newest *broker.Frame) {
	switch {
	case v.Muxer != nil:
		s.sendRound(v)
	case newest != nil:
		s.sendFrame(v, newest)
	}
}

// sendFrame sends a frame to v if it is new to v and the viewer's Filter allows it.
func (s *sender) sendFrame(v *Viewer, f *broker.Frame) {
	if f.Seq <= v.lastSeq {
		return
	}
	if v.Filter != nil {
		if decision := v.Filter(f); decision != Send {
			v.advanceTo(f)
			v.Counts.CountDropped(decision)
			return
		}
	}
	n, err := v.trySend(f.Wire)
	now := time.Now()
	switch {
	case err != nil:
		v.err = err
	case n == len(f.Wire):
		v.advanceTo(f)
		v.recordSent(f, now)
		if v.hasAge(f) {
			s.ages = append(s.ages, now.Sub(f.Captured))
		}
	case n == 0:
		s.handOff(pendingWrite{sender: s, viewer: v})
	default:
		s.handOff(pendingWrite{sender: s, viewer: v, frame: f, rest: f.Wire[n:], isCounted: true})
	}
}

// handOff starts a goroutine that writes the rest of a viewer's frame, or waits until the viewer's socket takes bytes again.
func (s *sender) handOff(p pendingWrite) {
	v := p.viewer
	v.busy, v.lastFrame, v.pending = true, nil, p
	s.pendingWrites.Go(v.pending.finish)
}

// updateViewers takes over added and resumed viewers, sends them the newest frame, and removes viewers that failed. It reports whether
// any viewer remains. If none does, the sender is unregistered and must end.
func (s *sender) updateViewers() bool {
	s.queueMu.Lock()
	added, resumed := s.added, s.resumed
	s.added, s.resumed = nil, nil
	s.queueMu.Unlock()
	s.viewers = append(s.viewers, added...)
	for _, v := range resumed {
		v.busy = false
	}
	// Both kinds may have missed frames: they continue with the newest, or with their next one for video.
	if len(added)+len(resumed) > 0 {
		newest := s.topic.Newest()
		for _, v := range slices.Concat(added, resumed) {
			if v.err == nil {
				s.serve(v, newest)
			}
		}
	}
	removed := 0
	s.viewers = slices.DeleteFunc(s.viewers, func(v *Viewer) bool {
		if v.busy || v.err == nil { // in this order: while the viewer is busy, another goroutine may write err
			return false
		}
		removed++
		s.remove(v, v.err)
		return true
	})
	if len(s.viewers) > 0 && len(added)+removed > 0 {
		s.sub.SetPeriod(shortestPeriod(s.viewers))
	}
	return removed == 0 && len(s.viewers) > 0 || s.unregisterIfEmpty(removed)
}

func shortestPeriod(viewers []*Viewer) time.Duration {
	return slices.MinFunc(viewers, func(a, b *Viewer) int { return cmp.Compare(a.Period, b.Period) }).Period
}

// unregisterIfEmpty subtracts removed viewers, and unregisters the sender if none remains. It reports whether any remains.
func (s *sender) unregisterIfEmpty(removed int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.viewerCount -= removed
	if s.viewerCount > 0 {
		return true
	}
	s.unregisterLocked()
	return false
}

// unregister removes the sender from the fan-out after its topic has ended, so that no viewer is added to it. Viewers that are
// added later get a new sender, which then closes them.
func (s *sender) unregister() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unregisterLocked()
}

// unregisterLocked removes the sender from the fan-out. The caller holds Fanout.mu.
func (s *sender) unregisterLocked() {
	s.senders[s.topic] = slices.DeleteFunc(s.senders[s.topic], func(other *sender) bool { return other == s })
	if len(s.senders[s.topic]) == 0 {
		delete(s.senders, s.topic)
	}
}

// repeatFrames sends the last frame again, once, to viewers that got no new one for Options.RepeatAfter. Some browsers paint a part only
// when the next one begins, so at low rates they would always show the picture before the last.
func (s *sender) repeatFrames(now time.Time) {
	for _, v := range s.viewers {
		if !v.busy && v.Muxer != nil {
			s.checkIdle(v, now)
		}
		if v.busy || v.err != nil || v.lastFrame == nil || now.Sub(v.lastFrameAt) < s.opts.RepeatAfter {
			continue
		}
		f := v.lastFrame
		v.lastFrame = nil
		n, err := v.trySend(f.Wire)
		switch {
		case err != nil:
			v.err = err
		case n > 0 && n < len(f.Wire):
			s.handOff(pendingWrite{sender: s, viewer: v, frame: f, rest: f.Wire[n:]})
		}
	}
}
