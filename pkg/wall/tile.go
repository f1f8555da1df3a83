package wall

import (
	"context"
	"fmt"
	"slices"
	"time"

	"camd/pkg/broker"
)

// tile is one camera that the client wants.
type tile struct {
	camera, rendition string

	place   Place // nil while the session is paused
	sub     *broker.Subscription
	stop    context.CancelFunc
	dropped uint64    // as told to the place
	unseen  []uint64  // pictures not acknowledged
	since   time.Time // while there are some: when the first was sent, or another acknowledged
}

// subscribe begins with a camera, or changes its rendition. s.mu is held, as in all that follows but listen and over.
func (s *session) subscribe(t *tile, camera, rendition string) {
	if t == nil && len(s.tiles) >= Most {
		s.complain(camera, fmt.Sprintf("%d cameras are as many as one connection may have", Most))
		return
	}
	earlier := t
	t = &tile{camera: camera, rendition: rendition}
	if !s.begin(t) {
		return
	}
	if s.paused { // it was had, and will be again
		s.leave(t, false)
	}
	if earlier != nil {
		s.forget(earlier)
	}
	s.tiles[camera] = t
	s.turns = append(s.turns, t)
	s.say(notice{Type: "subscribed", Camera: camera, Rendition: rendition})
}

// begin takes a place and reports whether it was had.
func (s *session) begin(t *tile) bool {
	place, err := s.opts.Join(t.camera, t.rendition)
	if err != nil {
		s.complain(t.camera, err.Error())
		return false
	}
	t.place, t.sub, t.dropped, t.unseen = place, place.Topic().Subscribe(broker.Latest), 0, nil
	ctx, stop := context.WithCancel(s.ctx)
	t.stop = stop
	sub := t.sub
	s.bells.Go(func() { s.listen(ctx, t.camera, sub) })
	return true
}

// listen sends each of a camera's pictures, and what else there is: it is awake, and to wake the writer costs more.
func (s *session) listen(ctx context.Context, camera string, sub *broker.Subscription) {
	for {
		rung := sub.Bell() // before anybody looks: what is not seen has yet to ring
		s.send()
		select {
		case <-rung:
		case <-sub.Ended():
			s.over(camera, sub)
			return
		case <-ctx.Done():
			return
		}
	}
}

// over takes leave of a stream that has ended, unless the client has another of that camera by now.
func (s *session) over(camera string, sub *broker.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tiles[camera]; t != nil && t.sub == sub {
		s.forget(t)
		s.say(notice{Type: "unsubscribed", Camera: camera, Message: "this stream has ended"})
	}
}

func (s *session) forget(t *tile) {
	s.leave(t, false)
	delete(s.tiles, t.camera)
	s.turns = slices.DeleteFunc(s.turns, func(o *tile) bool { return o == t })
}

func (s *session) leave(t *tile, cut bool) {
	if t.place == nil {
		return
	}
	t.account()
	t.stop()
	t.sub.Close()
	place := t.place
	t.place = nil
	if place == s.busy { // its picture is on its way, and counts
		s.late = func() { place.Leave(cut) }
		return
	}
	place.Leave(cut)
}

// pause gives up all places, so that nothing is made for a tab that nobody sees, or takes them again.
func (s *session) pause(on bool) {
	if on == s.paused {
		return
	}
	s.paused = on
	for _, t := range slices.Clone(s.turns) {
		switch {
		case on:
			s.leave(t, false)
		case !s.begin(t):
			s.forget(t)
			s.say(notice{Type: "unsubscribed", Camera: t.camera})
		}
	}
}

// account passes on what the ring has dropped.
func (t *tile) account() {
	if d := t.sub.Stats().Dropped; d != t.dropped {
		t.place.Dropped(d - t.dropped)
		t.dropped = d
	}
}
