package httpreader

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"net/http"

	"camd/pkg/camera"
	"camd/pkg/source/httpmjpeg"
	"camd/pkg/source/serverrules"
)

// stream is a series of JPEGs in one HTTP response.
type stream struct {
	*extendableContext
	oversizeTracker
	options  Options
	client   *client
	response *http.Response // nil before the response
	reader   *httpmjpeg.Reader
}

func newStream(ctx context.Context, c *client, o Options) *stream {
	return &stream{extendableContext: newExtendableContext(ctx, o.OpenTimeout), options: o, client: c,
		oversizeTracker: oversizeTracker{limit: o.MaxBytes, onSkip: o.reportSkipped}}
}

// run reads pictures until the response or ctx ends. Its error is never nil.
func (s *stream) run(ctx context.Context) error {
	o := httpmjpeg.Options{Source: s.response.Body, MaxBytes: s.limit, OnSkip: s.recordSkipped}
	if mark := newReceiveMark(s.client.conn, s.response); mark != nil {
		o.OnExpect = mark.expect
	}
	s.reader = httpmjpeg.New(o)
	picture, err := s.reader.Next()
	if err != nil {
		return s.explainOpen(ctx)
	}
	s.pause() // the callbacks do not count
	s.options.OnOpened(describe(picture.JPEG, 0))
	for {
		s.pause()
		s.consecutive = 0
		s.options.OnFrame(&Frame{JPEG: picture.JPEG, Captured: picture.StartedAt, Arrived: picture.EndedAt})
		s.extend(s.options.ReadTimeout)
		skipped := s.reader.Skipped()
		if picture, err = s.reader.Next(); err != nil {
			return s.explainEnd(ctx, s.reader.Skipped() > skipped)
		}
	}
}

// describe returns the Info of a source from its first picture.
func describe(first []byte, fps float64) Info {
	info := Info{FPS: fps}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(first)); err == nil {
		info.Width, info.Height = c.Width, c.Height
	}
	return info
}

var (
	errNoPictureInTime = serverrules.NewError(camera.Timeout, "the server answered, but sent no picture in time")
	errNoPicture       = serverrules.NewError(camera.BadStream, "the source opened, but delivered no picture")
	errStreamEnded     = serverrules.NewError(camera.Disconnected, "the stream ended")
)

// explainOpen returns why the first picture has not come.
func (s *stream) explainOpen(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.oversizeTracker.failure() != nil:
		return s.oversizeTracker.failure()
	case s.reader.Skipped() > 0:
		return serverrules.NewError(camera.Damaged, "the stream contains only damaged pictures")
	case s.hasExpired():
		return errNoPictureInTime
	}
	return errNoPicture
}

// explainEnd returns why the next picture has not come. hasSkipped says that pictures were left out since the last one.
func (s *stream) explainEnd(ctx context.Context, hasSkipped bool) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case (s.hasExpired() || s.hasTooMany()) && s.oversizeTracker.failure() != nil:
		return s.oversizeTracker.failure()
	case s.hasExpired() && hasSkipped:
		return serverrules.NewError(camera.Damaged, "only damaged pictures for %v", s.options.ReadTimeout)
	case s.hasExpired():
		return serverrules.NewError(camera.Timeout, "no picture for %v", s.options.ReadTimeout)
	}
	return errStreamEnded
}

// recordSkipped counts a picture that the reader has left out, and ends a stream that has only pictures that are too large.
func (s *stream) recordSkipped(skipped httpmjpeg.SkippedPicture) {
	s.record(skipped)
	if s.hasTooMany() {
		s.cancel(errOversize)
	}
}

// errOversize is the cause that ends a stream after a series of pictures that are too large.
var errOversize = errors.New("pictures too large")

// close ends the connection. It may be called several times.
func (s *stream) close() {
	s.release()
	if s.response != nil {
		_ = s.response.Body.Close()
	}
}
