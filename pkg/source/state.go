package source

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/camera/statelog"
	"camd/pkg/source/placeholder"
	"camd/pkg/source/sourceurl"
)

// currentState is the camera's state as last published, and the placeholder that shows it.
type currentState struct {
	camera.StateChange
	background    []byte              // the last live picture
	placeholders  []placeholder.Cache // by rendition; nil when they must be drawn
	lastFrameSize sourceurl.Size      // of the last live picture; zero before it
}

// setState makes the state known: to the log, to Status, and, unless it is live, to viewers by a placeholder. A state
// that only changes its reason keeps its time.
func (s *supervisor) setState(state camera.State, reason camera.Reason, detail string) {
	if state == s.State && reason == s.Reason && detail == s.Detail {
		return
	}
	before := s.StateChange
	s.applyState(state, reason, detail)
	s.reportState(s.IsNew(before))
}

// applyState makes the state known to viewers. It comes before reportState: whoever sees the new state must not find the old picture
// beside it.
func (s *supervisor) applyState(state camera.State, reason camera.Reason, detail string) {
	now := time.Now()
	if state != s.State {
		s.Since = now
	}
	s.State, s.Reason, s.Detail = state, reason, detail
	s.placeholders = nil
	if state == camera.Paused {
		s.withdrawFrames(now)
	}
	if state != camera.Live {
		s.publishPlaceholder(now)
	}
}

// reportState makes the state known to all others.
func (s *supervisor) reportState(isNew bool) {
	s.updateStatus(func(st *camera.Status) {
		st.State, st.Reason, st.Detail, st.Since = s.State, s.Reason, s.Detail, s.Since
	})
	change := s.StateChange
	change.Since = time.Now()
	s.recordChange(change, isNew)
	statelog.Write(s.log, s.StateChange, !isNew)
}

// publishPlaceholder publishes the placeholder, in every rendition that has readers and in main.
func (s *supervisor) publishPlaceholder(now time.Time) {
	s.saveBackground()
	for i, st := range s.streams.Load().byNumber {
		if i == 0 || s.hasReaders[i] {
			st.topic.Publish(s.placeholderFrame(i, now))
		}
	}
}

func (s *supervisor) mainTopic() *broker.Topic { return s.streams.Load().byNumber[0].topic }

// saveBackground keeps the last live picture, while it is the newest.
func (s *supervisor) saveBackground() {
	if f := s.mainTopic().Newest(); f != nil && !f.Placeholder {
		s.background, s.lastFrameSize = f.JPEG, sourceurl.Size{Width: f.Width, Height: f.Height}
	}
}

// placeholderFrame is the placeholder in a rendition. It is drawn once for each change of state.
func (s *supervisor) placeholderFrame(rendition int, now time.Time) broker.Frame {
	if s.placeholders == nil {
		s.placeholders = make([]placeholder.Cache, len(s.hasReaders))
	}
	width, height := s.expectedSize(rendition)
	return s.placeholders[rendition].Frame(placeholder.Options{
		Width: width, Height: height, Limits: s.opts.Limits, Background: s.background,
		Title: s.opts.Title, State: s.State, Reason: s.Reason, Since: s.Since,
	}, now)
}

// expectedSize is a rendition's: that of the last picture, else the one asked for, else a common one.
func (s *supervisor) expectedSize(rendition int) (width, height int) {
	width, height = placeholder.DefaultWidth, placeholder.DefaultHeight
	for _, size := range []sourceurl.Size{s.lastFrameSize, s.opts.Size, s.opts.Source.Size} {
		if size.Width > 0 {
			width, height = size.Width, size.Height
			break
		}
	}
	return s.streams.Load().byNumber[rendition].Size(width, height)
}
