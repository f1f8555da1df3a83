package wall

import (
	"slices"
	"time"

	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
)

// reviewAll reviews the tracks of all cameras, and the connection as each camera sees it.
func (s *session) reviewAll(now time.Time) {
	s.reviewed = now
	trying := slices.IndexFunc(s.turns, func(t *subscription) bool { return t.link.trying(now) })
	for i, t := range s.turns {
		if t.stream.flow.isOverdue(now, s.opts.AckTimeout) {
			s.ackTimedOut = t.camera
			return
		}
		switch changed := s.reviewLink(t, now, trying < 0 || trying == i); {
		case changed && t.link.trying(now):
			trying = i
		case changed && trying >= 0 && trying != i && s.turns[trying].link.giveUp(now): // its attempt takes from the others
			s.review(s.turns[trying], now)
			trying = -1
		}
		s.review(t, now)
	}
}

// reviewLink changes the level of a camera's link by what was sent since the last review, and reports whether it has changed it.
func (s *session) reviewLink(t *subscription, now time.Time, mayTry bool) (changed bool) {
	if !t.stream.choice.isVideo && t.stream.choice.period == 0 {
		return false // JPEGs at full rate say nothing about the link: the client gets as many as it takes
	}
	_, hasSub := t.target.Camera.Track(camera.Sub)
	t.link.skipsSub = t.view == viewGrid || !hasSub
	sent, late := t.stream.takeCounts()
	t.link.sent(now, sent, late)
	return t.link.review(now, mayTry)
}

// review changes the track of a camera if another one is better now.
func (s *session) review(t *subscription, now time.Time) {
	if t.stream == nil {
		return
	}
	if c := s.choose(t, now); c != t.stream.choice {
		s.change(t, c, now)
	}
}

// restart begins a new stream of a camera, with the track that is the best now.
func (s *session) restart(t *subscription, now time.Time) {
	s.change(t, s.choose(t, now), now)
}

// change begins a stream of another track, or a new one of the same track. The client stays a viewer of the camera: no limit can refuse it.
func (s *session) change(t *subscription, c choice, now time.Time) {
	topic, bad := t.topicOf(c)
	if bad != nil {
		return // the configuration is changing: the next review finds out
	}
	before := t.stream
	s.beginStream(t, topic, c, now) // before the end of the other one, so that the camera does not stop
	s.endStream(before, t.viewer)
	if topic != before.topic {
		viewer := s.opts.NewViewer(viewers.Key{Camera: t.camera, Rendition: c.track, Transport: Transport})
		s.opts.Viewers.Replace(t.viewer, viewer, topic)
		t.viewer = viewer
	}
}

// choose returns the track that the client gets of a camera now.
func (s *session) choose(t *subscription, now time.Time) choice {
	return choose(t.candidates(now), s.decodes, t.hasFailed, t.link.level())
}
