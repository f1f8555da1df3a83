package wall

import (
	"fmt"
	"net/http"
	"time"

	"camd/pkg/broker"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
)

// maxFailed bounds the codecs that a client has failed to decode, for each camera.
const maxFailed = 16

// afterClear is how long the tracks of a camera are reviewed in each round after somebody has turned it off. Its state and its topics change
// shortly after each other.
const afterClear = 2 * time.Second

// subscription is a camera that the client has subscribed to. While the session is paused, viewer and stream are nil. Else they are set.
type subscription struct {
	camera string
	view   view
	target request.Target
	viewer *viewers.Viewer
	stream *stream
	link   link
	failed map[failure]bool

	topic       *broker.Topic // of the newest stream; it stays while the session is paused, because the client may keep the pictures
	withdrawals uint64        // of the topic, as far as the client knows

	hurryUntil time.Time // until then, the tracks are reviewed in each round
	watched    [3]uint64 // frames of the tracks that hasNewFrames counts
}

// failure is what a client cannot decode after all.
type failure struct{ track, codec string }

func (t *subscription) noteFailed(track, codec string) {
	if len(t.failed) < maxFailed {
		t.failed[failure{track, codec}] = true
	}
}

func (t *subscription) hasFailed(track, codec string) bool { return t.failed[failure{track, codec}] }

// subscribe adds a camera, or changes its view. The camera gets a new stream.
func (s *session) subscribe(camera string, v view) {
	previous := s.cameras[camera]
	if previous == nil && len(s.cameras) >= MaxCameras {
		s.notifyError(camera, fmt.Sprintf("the limit of %d cameras for one connection is reached", MaxCameras))
		return
	}
	if previous != nil {
		target, err := s.opts.FindCamera(camera)
		if err != nil {
			s.notifyError(camera, err.Error())
			return
		}
		previous.view, previous.target = v, target
		s.notify(serverMessage{Type: "subscribed", Camera: camera, View: v.String()})
		if previous.stream != nil {
			s.restart(previous, time.Now())
		}
		return
	}
	t := &subscription{camera: camera, view: v, failed: map[failure]bool{}}
	if !s.join(t) {
		return
	}
	if s.paused { // the rights and limits have been checked; resume joins again
		s.leave(t, false)
	}
	s.cameras[camera] = t
	s.turns = append(s.turns, t)
	s.notify(serverMessage{Type: "subscribed", Camera: camera, View: v.String()})
	s.updateTicking()
}

// join makes the client a viewer of the camera and reports whether it was admitted.
func (s *session) join(t *subscription) bool {
	target, err := s.opts.FindCamera(t.camera)
	if err != nil {
		s.notifyError(t.camera, err.Error())
		return false
	}
	t.target = target
	now := time.Now()
	c := s.choose(t, now)
	topic, bad := t.topicOf(c)
	if bad != nil {
		s.notifyError(t.camera, bad.Error())
		return false
	}
	viewer := s.opts.NewViewer(viewers.Key{Camera: t.camera, Rendition: c.track, Transport: Transport})
	if err := s.opts.Viewers.Add(viewer, topic); err != nil {
		s.notifyError(t.camera, err.Error())
		return false
	}
	t.viewer = viewer
	s.beginStream(t, topic, c, now)
	return true
}

// beginStream begins a stream of a topic.
func (s *session) beginStream(t *subscription, topic *broker.Topic, c choice, now time.Time) {
	withdrawals := topic.Withdrawals() // before the check of the topic before: a camera that is turned off withdraws from one after the other
	s.clearWithdrawn(t, now)
	if t.topic != topic {
		t.topic, t.withdrawals = topic, withdrawals
	}
	t.stream = newStream(topic, c, t.target.Limits.BytesPerSecond, now)
	s.isUrgent = true
}

// clearWithdrawn makes the client remove the pictures of a camera if it was turned off since they were sent. It reports whether it was. What
// is left of a frame is not sent.
func (s *session) clearWithdrawn(t *subscription, now time.Time) bool {
	if t.topic == nil || t.topic.Withdrawals() == t.withdrawals {
		return false
	}
	t.withdrawals = t.topic.Withdrawals()
	s.notify(serverMessage{Type: "clear", Camera: t.camera})
	t.hurryUntil = now.Add(afterClear)
	if t.stream != nil {
		t.stream.frame = nil
	}
	return true
}

// topicOf returns the topic of a choice, or the error for one that the camera does not have.
func (t *subscription) topicOf(c choice) (*broker.Topic, *request.Error) {
	if !c.isVideo {
		return t.target.Topic(c.track)
	}
	topic, ok := t.target.Camera.Track(c.track)
	if !ok {
		return nil, request.Errorf(http.StatusNotFound, "camera %q no longer has the track %s", t.camera, c.track)
	}
	return topic, nil
}

// leave ends the camera's stream. cut says that camd disconnects the client, which takes nothing or acknowledges nothing.
func (s *session) leave(t *subscription, cut bool) {
	if t.stream == nil {
		return
	}
	s.endStream(t.stream, t.viewer)
	reason := ""
	switch {
	case cut:
		reason = viewers.CutStalled
	case s.opts.Stopping():
		reason = viewers.CutShutdown
	case t.stream.hasEnded():
		reason = viewers.CutRemoved
	}
	s.opts.Viewers.Remove(t.viewer, reason)
	t.stream, t.viewer = nil, nil
}

// endStream ends the stream of a viewer. What is left of a frame is not sent.
func (s *session) endStream(st *stream, v *viewers.Viewer) {
	st.countDropped(v)
	st.sub.Close()
	delete(s.streams, st.number)
}
