package wall

import (
	"context"
	"fmt"
	"slices"
	"time"

	"camd/pkg/broker"
)

// subscription is a camera that the client has subscribed to.
type subscription struct {
	camera, rendition string

	stream       Stream // nil while the session is paused
	sub          *broker.Subscription
	stop         context.CancelFunc
	dropped      uint64    // as reported to the stream
	unacked      []uint64  // pictures not acknowledged
	unackedSince time.Time // if there are unacknowledged pictures: when the first was sent or the last was acknowledged
}

// subscribe adds a camera, or changes its rendition. s.mu must be held, here and in all functions below except watchTopic and
// streamEnded.
func (s *session) subscribe(t *subscription, camera, rendition string) {
	if t == nil && len(s.subscriptions) >= MaxCameras {
		s.queueError(camera, fmt.Sprintf("the limit of %d cameras for one connection is reached", MaxCameras))
		return
	}
	previous := t
	t = &subscription{camera: camera, rendition: rendition}
	if !s.joinStream(t) {
		return
	}
	if s.paused { // the rights and limits have been checked; resume joins the stream again
		s.leaveStream(t, false)
	}
	if previous != nil {
		s.remove(previous)
	}
	s.subscriptions[camera] = t
	s.roundRobin = append(s.roundRobin, t)
	s.queueNotice(serverMessage{Type: "subscribed", Camera: camera, Rendition: rendition})
}

// joinStream joins the camera's stream and reports whether it was admitted.
func (s *session) joinStream(t *subscription) bool {
	stream, err := s.opts.Join(t.camera, t.rendition)
	if err != nil {
		s.queueError(t.camera, err.Error())
		return false
	}
	t.stream, t.sub, t.dropped, t.unacked = stream, stream.Topic().Subscribe(broker.Latest), 0, nil
	ctx, stop := context.WithCancel(s.ctx)
	t.stop = stop
	sub := t.sub
	s.topicWatchers.Go(func() { s.watchTopic(ctx, t.camera, sub) })
	return true
}

// watchTopic sends each picture of a camera, and everything else that is queued. It does so itself, because waking the writer would cost
// more.
func (s *session) watchTopic(ctx context.Context, camera string, sub *broker.Subscription) {
	for {
		updated := sub.Updated() // before the check: a later frame closes it
		s.flush()
		select {
		case <-updated:
		case <-sub.Ended():
			s.streamEnded(camera, sub)
			return
		case <-ctx.Done():
			return
		}
	}
}

// streamEnded removes a stream that has ended, unless the subscription has another stream by now.
func (s *session) streamEnded(camera string, sub *broker.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.subscriptions[camera]; t != nil && t.sub == sub {
		s.remove(t)
		s.queueNotice(serverMessage{Type: "unsubscribed", Camera: camera, Message: "this stream has ended"})
	}
}

func (s *session) remove(t *subscription) {
	s.leaveStream(t, false)
	delete(s.subscriptions, t.camera)
	s.roundRobin = slices.DeleteFunc(s.roundRobin, func(o *subscription) bool { return o == t })
}

func (s *session) leaveStream(t *subscription, cut bool) {
	if t.stream == nil {
		return
	}
	t.reportDropped()
	t.stop()
	t.sub.Close()
	stream := t.stream
	t.stream = nil
	if stream == s.sending { // its picture is on its way, and counts
		s.deferredLeave = func() { stream.Leave(cut) }
		return
	}
	stream.Leave(cut)
}

// setPaused leaves all streams, so that nothing is encoded for a hidden tab, or joins them again.
func (s *session) setPaused(paused bool) {
	if paused == s.paused {
		return
	}
	s.paused = paused
	for _, t := range slices.Clone(s.roundRobin) {
		switch {
		case paused:
			s.leaveStream(t, false)
		case !s.joinStream(t):
			s.remove(t)
			s.queueNotice(serverMessage{Type: "unsubscribed", Camera: t.camera})
		}
	}
}

// reportDropped reports to the stream the frames that the ring has dropped.
func (s *subscription) reportDropped() {
	if d := s.sub.Stats().Dropped.Total(); d != s.dropped {
		s.stream.Dropped(d - s.dropped)
		s.dropped = d
	}
}
