package source

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/placeholder"
	"camd/pkg/source/sourceurl"
)

// currentState is the camera's state as last published, and the placeholder that shows it.
type currentState struct {
	state         camera.State
	reason        camera.Reason
	detail        string
	since         time.Time
	background    []byte         // the last live picture
	placeholders  [][]byte       // the placeholders, by rendition; nil when they must be drawn
	lastFrameSize sourceurl.Size // of the last live picture; zero before it
}

// setState makes the state known: to the log, to Status, and, unless it is live, to viewers by a placeholder. A state
// that only changes its reason keeps its time.
func (s *supervisor) setState(state camera.State, reason camera.Reason, detail string) {
	if state == s.state && reason == s.reason && detail == s.detail {
		return
	}
	isNew := state != s.state || reason != s.reason // else only the detail has changed
	s.applyState(state, reason, detail)
	s.reportState(isNew)
}

// applyState makes the state known to viewers. It comes before reportState: whoever sees the new state must not find the old picture
// beside it.
func (s *supervisor) applyState(state camera.State, reason camera.Reason, detail string) {
	now := time.Now()
	if state != s.state {
		s.since = now
	}
	s.state, s.reason, s.detail = state, reason, detail
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
		st.State, st.Reason, st.Detail, st.Since = s.state, s.reason, s.detail, s.since
	})
	s.recordChange(camera.StateChange{State: s.state, Reason: s.reason, Detail: s.detail, Since: time.Now()}, isNew)

	level := zapcore.DebugLevel
	if isNew {
		level = logLevel(s.state)
	}
	fields := []zap.Field{zap.String("state", string(s.state))}
	if s.reason != camera.None {
		fields = append(fields, zap.String("reason", string(s.reason)), zap.String("detail", s.detail))
	}
	s.log.Log(level, "camera state", fields...)
}

func logLevel(state camera.State) zapcore.Level {
	if state == camera.Offline || state == camera.Stalled {
		return zapcore.WarnLevel
	}
	return zapcore.InfoLevel
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
		s.placeholders = make([][]byte, len(s.hasReaders))
	}
	var size sourceurl.Size
	width, height := s.expectedSize(rendition)
	size.Width, size.Height = placeholder.Fit(width, height, s.opts.Limits.Pixels)
	if s.placeholders[rendition] == nil {
		s.placeholders[rendition] = placeholder.Draw(placeholder.Options{
			Width: size.Width, Height: size.Height, MaxBytes: s.opts.Limits.Bytes, Background: s.background,
			Title: s.opts.Title, State: s.state, Reason: s.reason, Since: s.since,
		})
	}
	part, jpeg := media.NewPart(s.placeholders[rendition], now)
	return broker.Frame{
		Captured: now, Width: size.Width, Height: size.Height, Placeholder: true, Part: part, JPEG: jpeg,
	}
}

// expectedSize is a rendition's: that of the last picture, else the one asked for, else a common one.
func (s *supervisor) expectedSize(rendition int) (width, height int) {
	width, height = 1280, 720
	for _, size := range []sourceurl.Size{s.lastFrameSize, s.opts.Size, s.opts.Source.Size} {
		if size.Width > 0 {
			width, height = size.Width, size.Height
			break
		}
	}
	if rendition > 0 {
		if small := s.streams.Load().byNumber[rendition].Width; small > 0 && small < width {
			width, height = small, (height*small/width+1)&^1
		}
	}
	return width, height
}
