package source

import (
	"slices"
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
	background    []byte              // the last live picture; nil if there was none or it was withdrawn
	placeholders  []placeholder.Cache // by rendition; nil when they must be drawn
	lastFrameSize sourceurl.Size      // of the last live picture; zero before the first
}

// setState changes the state: in the log, in Status and in the history, and for viewers by a placeholder unless it is live. If only the
// reason or detail changes, Since stays as it is.
func (s *supervisor) setState(state camera.State, reason camera.Reason, detail string) {
	if state == s.State && reason == s.Reason && detail == s.Detail {
		return
	}
	before := s.StateChange
	s.applyState(state, reason, detail)
	s.reportState(s.IsNew(before))
}

// applyState sets the state and shows it to viewers. It comes before reportState: a client that reads the new state must not get the old
// picture.
func (s *supervisor) applyState(state camera.State, reason camera.Reason, detail string) {
	now := time.Now()
	if state != s.State {
		s.Since = now
	}
	s.State, s.Reason, s.Detail = state, reason, detail
	s.placeholders = nil
	if state == camera.Paused {
		s.withdrawFrames()
	}
	if state != camera.Live {
		s.publishPlaceholder(now)
	}
}

// reportState publishes the state in Status, in the history and in the log. isNew is the result of StateChange.IsNew.
func (s *supervisor) reportState(isNew bool) {
	s.updateStatus(func(st *camera.Status) {
		st.State, st.Reason, st.Detail, st.Since = s.State, s.Reason, s.Detail, s.Since
	})
	s.recordStreams()
	change := s.StateChange
	change.Since = time.Now()
	s.recordChange(change, isNew)
	statelog.Write(s.log, s.StateChange, !isNew)
}

// publishPlaceholder publishes the placeholder in main and in every other rendition that has readers, unless they are live.
// While the camera is live, only renditions with readers can need one.
func (s *supervisor) publishPlaceholder(now time.Time) {
	s.saveBackground()
	for i, st := range s.streams.Load().byNumber {
		if (s.demands[i].Wanted || i == 0 && s.State != camera.Live) && s.shownState(i).State != camera.Live {
			st.topic.Publish(s.placeholderFrame(i, now))
		}
	}
}

// shownState returns the state of a rendition: that of the camera, or that of its decoder if the camera is live and the decoder sends no
// live pictures.
func (s *supervisor) shownState(rendition int) camera.StateChange {
	if d := s.decoderOf(rendition); s.State == camera.Live && d != nil && !s.isDecoderLive(d) {
		return d.state
	}
	return s.StateChange
}

// recordStreams records in Status how each rendition is made now.
func (s *supervisor) recordStreams() {
	all := s.streams.Load()
	var list []camera.Stream
	for _, name := range all.names {
		i := all.indexOf(name)
		st := camera.Stream{Name: name, StateChange: s.shownState(i)}
		if d := s.decoderOf(i); d != nil {
			st.Track = s.decoderTrack(d)
		}
		list = append(list, st)
	}
	s.setStreams(list, s.ownDecoderTrack())
}

// ownDecoderTrack returns the track that the decoder of what the worker delivers decodes. It is empty if the camera needs none: a capture
// process makes all renditions of a file with JPEGs, for example. While the camera is not open, it is the one as before, so that counters stay
// where they are.
func (s *supervisor) ownDecoderTrack() string {
	possible := decodableTracks(s.opts.Camera)
	now, needsDecoder := s.decoderTrack(s.decoder), s.isVideo() || s.worker != nil && s.worker.isSession()
	switch {
	case s.opened && needsDecoder && slices.Contains(possible, now):
		return now
	case s.opened:
		return ""
	}
	return firstDecoderTrack(possible, s.stats.decoderTrack) // only this goroutine writes it
}

func (s *supervisor) mainTopic() *broker.Topic { return s.streams.Load().byNumber[0].topic }

// saveBackground keeps the newest picture of main as the background if it is a live one.
func (s *supervisor) saveBackground() {
	if f := s.mainTopic().Newest(); f != nil && !f.Placeholder {
		s.background, s.lastFrameSize = f.Data, sourceurl.Size{Width: f.Format.Width, Height: f.Format.Height}
	}
}

// placeholderFrame returns the placeholder in a rendition. It is drawn once for each change of state.
func (s *supervisor) placeholderFrame(rendition int, now time.Time) broker.Frame {
	if s.placeholders == nil {
		s.placeholders = make([]placeholder.Cache, len(s.demands))
	}
	width, height := s.expectedSize(rendition)
	shown := s.shownState(rendition)
	return s.placeholders[rendition].Frame(placeholder.Options{
		Width: width, Height: height, Limits: s.opts.Limits, Background: s.background,
		Title: s.opts.Title, State: shown.State, Reason: shown.Reason, Since: shown.Since,
	}, now)
}

// expectedSize returns the size of a rendition's pictures. It follows from the size of the last picture in main, else from the configured
// size, else from the default size of placeholders.
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
