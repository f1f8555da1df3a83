package source

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/mjpeg"
	"camd/pkg/source/placeholder"
	"camd/pkg/source/spec"
)

// condition is the camera's state as last told to the world, and the picture that tells it.
type condition struct {
	state      camera.State
	reason     camera.Reason
	detail     string
	since      time.Time
	background []byte    // the last live picture
	cards      [][]byte  // the placeholders, by rendition; nil when they must be drawn
	cardSize   spec.Size // of the last live picture; zero before it
}

// become makes the state known: to the log, to Status, and, unless it is live, to viewers by a placeholder. A state
// that only changes its reason keeps its time.
func (s *supervisor) become(state camera.State, reason camera.Reason, detail string) {
	if state == s.state && reason == s.reason && detail == s.detail {
		return
	}
	news := state != s.state || reason != s.reason // else it is the same trouble in other words
	s.enter(state, reason, detail)
	s.announce(news)
}

// enter makes the state known to viewers. It comes before announce: whoever sees the new state must not find the old picture
// beside it.
func (s *supervisor) enter(state camera.State, reason camera.Reason, detail string) {
	now := time.Now()
	if state != s.state {
		s.since = now
	}
	s.state, s.reason, s.detail = state, reason, detail
	s.cards = nil
	if state == camera.Paused {
		s.withdraw(now)
	}
	if state != camera.Live {
		s.publishCard(now)
	}
}

// announce makes the state known to all others.
func (s *supervisor) announce(news bool) {
	s.update(func(st *camera.Status) {
		st.State, st.Reason, st.Detail, st.Since = s.state, s.reason, s.detail, s.since
	})
	s.remember(camera.Change{State: s.state, Reason: s.reason, Detail: s.detail, Since: time.Now()}, news)

	level := zapcore.DebugLevel
	if news {
		level = severity(s.state)
	}
	fields := []zap.Field{zap.String("state", string(s.state))}
	if s.reason != camera.None {
		fields = append(fields, zap.String("reason", string(s.reason)), zap.String("detail", s.detail))
	}
	s.log.Log(level, "camera state", fields...)
}

func severity(state camera.State) zapcore.Level {
	if state == camera.Offline || state == camera.Stalled {
		return zapcore.WarnLevel
	}
	return zapcore.InfoLevel
}

// publishCard publishes the placeholder, in every rendition that has readers and in main.
func (s *supervisor) publishCard(now time.Time) {
	s.look()
	for i, st := range s.streams.Load().numbered {
		if i == 0 || s.wants[i] {
			st.topic.Publish(s.card(i, now))
		}
	}
}

func (s *supervisor) main() *broker.Topic { return s.streams.Load().numbered[0].topic }

// look takes note of the last live picture, while it is the newest.
func (s *supervisor) look() {
	if f := s.main().Newest(); f != nil && !f.Placeholder {
		s.background, s.cardSize = f.JPEG, spec.Size{Width: f.Width, Height: f.Height}
	}
}

// card is the placeholder in a rendition. It is drawn once for each change of state.
func (s *supervisor) card(rendition int, now time.Time) broker.Frame {
	if s.cards == nil {
		s.cards = make([][]byte, len(s.wants))
	}
	var size spec.Size
	width, height := s.expectedSize(rendition)
	size.Width, size.Height = placeholder.Fit(width, height, s.opts.Limits.Pixels)
	if s.cards[rendition] == nil {
		s.cards[rendition] = placeholder.Draw(placeholder.Card{
			Width: size.Width, Height: size.Height, Bytes: s.opts.Limits.Bytes, Background: s.background,
			Title: s.opts.Title, State: s.state, Reason: s.reason, Since: s.since,
		})
	}
	part, jpeg := mjpeg.NewPart(s.cards[rendition], now)
	return broker.Frame{
		Captured: now, Width: size.Width, Height: size.Height, Placeholder: true, Part: part, JPEG: jpeg,
	}
}

// expectedSize is a rendition's: that of the last picture, else the one asked for, else a common one.
func (s *supervisor) expectedSize(rendition int) (width, height int) {
	width, height = 1280, 720
	for _, size := range []spec.Size{s.cardSize, s.opts.Size, s.opts.Source.Size} {
		if size.Width > 0 {
			width, height = size.Width, size.Height
			break
		}
	}
	if rendition > 0 {
		if small := s.streams.Load().numbered[rendition].Width; small > 0 && small < width {
			width, height = small, (height*small/width+1)&^1
		}
	}
	return width, height
}
