package wall

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

const (
	// silenceAfter is how long a camera may send no frame of video before its clients get JPEGs, which show its state.
	silenceAfter = 2 * time.Second
	// silentFrames is the same in frames, for cameras with a low frame rate.
	silentFrames = 3
)

// candidates returns what the camera can send now.
func (t *subscription) candidates(now time.Time) candidates {
	status := t.target.Camera.Status()
	c := candidates{view: t.view, jpeg: t.target.Camera.Renditions()}
	// A camera that opens again is not waited for: JPEGs show its state until it sends video.
	isStarting := status.State == camera.Idle || status.State == camera.Starting
	c.waiting = isStarting && (t.stream == nil || t.stream.choice.isVideo && t.stream.number == 0)
	c.video = t.trackState(camera.Video, status.State, status.Since, status, now)
	c.video.exists = c.video.exists && !status.SendsPictures()
	subState := camera.Offline // its first frame is not waited for when the camera has opened: video is there already
	if i := indexOfTrack(status, camera.Sub); i >= 0 {
		subState = status.Tracks[i].State
	}
	c.sub = t.trackState(camera.Sub, subState, time.Time{}, status, now)
	return c
}

// trackState returns what is known of a track of video in a state since a time, which may be zero.
func (t *subscription) trackState(name string, state camera.State, since time.Time, status camera.Status, now time.Time) trackState {
	topic, ok := t.target.Camera.Track(name)
	if !ok {
		return trackState{name: name}
	}
	known := trackState{name: name, exists: true}
	silence := silenceAfter
	if i := indexOfTrack(status, name); i >= 0 {
		known.codec = status.Tracks[i].CodecString
		// Not for another track: the rate of a track that has stopped falls, so that it would seem to send again.
		if fps := status.Tracks[i].FPS; fps > 0 && (t.stream == nil || t.stream.topic == topic) {
			silence = max(silence, time.Duration(silentFrames/fps*float64(time.Second)))
		}
	}
	newest := topic.Newest()
	if newest != nil {
		known.codec = newest.Format.CodecString
		known.exists = len(newest.Format.Init) > 0 // else no client can begin to decode it
	}
	known.sends = newest != nil && now.Sub(newest.Published) < silence || t.mayWaitFor(topic, state, since, now)
	return known
}

// mayWaitFor reports whether the client may wait for the first frame of a track. It waits for a short time only, from the beginning of its
// stream or of the state.
func (t *subscription) mayWaitFor(topic *broker.Topic, state camera.State, since, now time.Time) bool {
	if state != camera.Live && state != camera.Starting {
		return false
	}
	return t.stream == nil || t.stream.topic == topic && min(now.Sub(t.stream.began), now.Sub(since)) < silenceAfter
}

// hasNewFrames reports whether there are frames of a track that may be better than that of the stream: video of a camera that sent none, or
// pictures of one whose video the client waits for. It notes how many there are.
func (t *subscription) hasNewFrames() (isNew bool) {
	note := func(i int, topic *broker.Topic, ok bool) {
		if ok && topic != t.stream.topic && topic.Published() != t.watched[i] {
			t.watched[i], isNew = topic.Published(), true
		}
	}
	if t.stream.choice.reason == reasonCamera {
		for i, name := range [...]string{camera.Video, camera.Sub} {
			topic, ok := t.target.Camera.Track(name)
			note(i, topic, ok)
		}
	}
	if t.stream.choice.isVideo && t.stream.number == 0 {
		topic, ok := t.target.Camera.Topic(camera.Main)
		note(2, topic, ok)
	}
	return isNew
}

func indexOfTrack(s camera.Status, name string) int {
	for i := range s.Tracks {
		if s.Tracks[i].Name == name {
			return i
		}
	}
	return -1
}
