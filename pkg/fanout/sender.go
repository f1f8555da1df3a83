package fanout

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"camd/pkg/broker"
)

// sender serves some of a topic's viewers. Fields belong to its goroutine but for those that say otherwise.
type sender struct {
	*Fanout
	topic   *broker.Topic
	sub     *broker.Subscription
	viewers []*Viewer
	ages    []time.Duration
	rests   sync.WaitGroup // goroutines that write the rest of a frame

	came atomic.Int64 // when run last came round, in nanoseconds since its fan-out was made

	load int // viewers admitted and not yet gone; guarded by Fanout.mu

	mail     chan struct{} // something was put into one of these:
	postbox  sync.Mutex
	admitted []*Viewer
	back     []*Viewer // no longer busy
}

func newSender(f *Fanout, t *broker.Topic) *sender {
	s := &sender{Fanout: f, topic: t, sub: t.Subscribe(broker.Latest), mail: make(chan struct{}, 1)}
	s.comesRound()
	return s
}

// admit hands the sender a viewer. Fanout.mu must be held, or the sender could be about to end.
func (s *sender) admit(v *Viewer) {
	s.load++
	s.post(&s.admitted, v)
}

// post puts v into a list of the postbox.
func (s *sender) post(list *[]*Viewer, v *Viewer) {
	s.postbox.Lock()
	*list = append(*list, v)
	s.postbox.Unlock()
	select {
	case s.mail <- struct{}{}:
	default:
	}
}

// run sends until the last viewer has left, the topic has ended, or the fan-out closes.
func (s *sender) run() {
	defer s.sub.Close()
	repeat := time.NewTicker(s.opts.RepeatAfter)
	defer repeat.Stop()
	for ; ; s.comesRound() {
		// Take the bell before looking: a Publish that the look below fails to see has yet to ring it.
		rung := s.sub.Bell()
		if f := s.sub.TryNext(); f != nil {
			s.round(f)
		} else {
			select {
			case <-rung:
				continue
			case <-s.mail:
			case now := <-repeat.C:
				s.repeat(now)
			case <-s.closing:
				s.farewell(nil)
				return
			case <-s.topic.Ended():
				s.retire()
				s.farewell(broker.ErrEnded)
				return
			}
		}
		if !s.sort() {
			return
		}
	}
}

// round offers a frame to every viewer.
func (s *sender) round(f *broker.Frame) {
	for _, v := range s.viewers {
		if !v.busy && v.err == nil {
			s.offer(v, f)
		}
	}
	if len(s.ages) > 0 {
		s.opts.Aged(s.topic, s.ages)
		s.ages = s.ages[:0]
	}
}

// offer sends v a frame, if it is due and new to it.
func (s *sender) offer(v *Viewer, f *broker.Frame) {
	if f.Seq <= v.last {
		return
	}
	if v.Judge != nil {
		if verdict := v.Judge(f); verdict != Show {
			v.pass(f)
			v.Counts.Skipped(verdict)
			return
		}
	}
	n, err := v.sendNow(f.Part)
	now := time.Now()
	switch {
	case err != nil:
		v.err = err
	case n == len(f.Part):
		v.pass(f)
		v.wrote(f, now)
		if !f.Placeholder { // one may be hours old
			s.ages = append(s.ages, now.Sub(f.Captured))
		}
	default:
		s.leaveTo(v, rest{f, n, true})
	}
}

// leaveTo has a goroutine go on with a viewer.
func (s *sender) leaveTo(v *Viewer, r rest) {
	v.busy, v.shown = true, nil
	s.rests.Go(func() { s.finish(v, r) })
}

// sort takes the mail, sends the newest frame to whom it concerns, and lets go of those who left. It reports whether any
// viewer remains; if none does, the sender has ended.
func (s *sender) sort() bool {
	s.postbox.Lock()
	admitted, back := s.admitted, s.back
	s.admitted, s.back = nil, nil
	s.postbox.Unlock()
	s.viewers = append(s.viewers, admitted...)
	for _, v := range back {
		v.busy = false
	}
	// Both kinds may have missed what others have got: they go on with the newest.
	if newest := s.topic.Newest(); newest != nil {
		for _, v := range slices.Concat(admitted, back) {
			if v.err == nil {
				s.offer(v, newest)
			}
		}
	}
	left := 0
	s.viewers = slices.DeleteFunc(s.viewers, func(v *Viewer) bool {
		if v.busy || v.err == nil { // in this order: while it is busy, its error is another goroutine's
			return false
		}
		left++
		s.dismiss(v, v.err)
		return true
	})
	return left == 0 && len(s.viewers) > 0 || s.settle(left)
}

// settle notes that viewers have left, and ends the sender with the last of them.
func (s *sender) settle(left int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load -= left
	if s.load > 0 {
		return true
	}
	s.forget()
	return false
}

// retire keeps viewers from being admitted to a sender whose topic has ended: those that come after that find another, which
// finds the end, too.
func (s *sender) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
}

// forget takes the sender out of the fan-out's. Fanout.mu must be held.
func (s *sender) forget() {
	s.senders[s.topic] = slices.DeleteFunc(s.senders[s.topic], func(other *sender) bool { return other == s })
	if len(s.senders[s.topic]) == 0 {
		delete(s.senders, s.topic)
	}
}

// repeat sends the last frame once more to those who have had no other for a while. Some browsers paint a part only
// when the next begins, so that at low rates they would always show the picture before the last.
func (s *sender) repeat(now time.Time) {
	for _, v := range s.viewers {
		if v.busy || v.err != nil || v.shown == nil || now.Sub(v.shownAt) < s.opts.RepeatAfter {
			continue
		}
		f := v.shown
		v.shown = nil
		n, err := v.sendNow(f.Part)
		switch {
		case err != nil:
			v.err = err
		case n > 0 && n < len(f.Part):
			s.leaveTo(v, rest{f, n, false})
		}
	}
}
