package capture

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/camera"
	"camd/pkg/source/httpmjpeg"
	"camd/pkg/source/wire"
)

// openHTTP requests an HTTP source. The content type decides how it is read: a series of JPEGs, a single JPEG that is polled, or
// with FFmpeg.
func openHTTP(ctx context.Context, rules *serverRules, start wire.Start, speed float64, onLoss func(httpmjpeg.SkippedPicture)) (source, error) {
	w := newHTTPClient(rules)
	l := newExtendableContext(ctx, start.OpenTimeout)
	response, err := w.get(l, http.Header{}) //nolint:bodyclose // s.close closes it
	if err != nil {
		l.release()
		return nil, connectFailure(rules.source, err)
	}
	s := &httpStream{extendableContext: l, client: w, body: response.Body, timeout: start.ReadTimeout,
		oversizeTracker: oversizeTracker{limit: start.Limits.OrDefault().Bytes, onLoss: onLoss}}
	if f := statusFailure(rules.source, response.StatusCode); f != nil {
		s.close()
		return nil, f
	}
	contentType := mediaType(response)
	switch {
	case strings.HasPrefix(contentType, "multipart/"):
		return s.readFirst(ctx)
	case isPicture(contentType):
		s.close()
		return openHTTPPoll(ctx, rules, start, onLoss)
	}
	s.close()
	return openHTTPWithFFmpeg(rules, start, speed, contentType)
}

// isPicture reports whether a content type is that of a single JPEG, wrong ones included.
func isPicture(contentType string) bool {
	return contentType == "image/jpeg" || contentType == "image/jpg" || contentType == "image/pjpeg"
}

// bufferedJPEG holds the newest picture of an HTTP source, and implements the methods that these sources share.
type bufferedJPEG struct {
	found       wire.Opened
	jpeg        []byte
	firstByteAt int64
}

func (h *bufferedJPEG) opened() wire.Opened { return h.found }

func (h *bufferedJPEG) takeJPEG(spare []byte) ([]byte, int64) {
	p := h.jpeg
	h.jpeg = spare
	return p, h.firstByteAt
}

func (h *bufferedJPEG) retrieve(*gocv.Mat) bool { return false }

// describeSource sets found from the first picture.
func (h *bufferedJPEG) describeSource() {
	h.found = wire.Opened{Backend: "HTTP", Codec: "mjpeg", Passthrough: true}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(h.jpeg)); err == nil {
		h.found.Width, h.found.Height = c.Width, c.Height
	}
}

// httpStream is a series of JPEGs in one HTTP response.
type httpStream struct {
	bufferedJPEG
	*extendableContext
	client  *httpClient
	body    io.ReadCloser
	reader  *httpmjpeg.Reader
	timeout time.Duration
	oversizeTracker
	pending bool // the newest picture was read to look at it and has not been delivered
}

// readFirst waits for the first picture.
func (s *httpStream) readFirst(ctx context.Context) (source, error) {
	s.reader = httpmjpeg.New(httpmjpeg.Options{Source: s.body, MaxBytes: s.limit, Clock: monotonic, OnSkip: s.recordLoss})
	var err error
	s.jpeg, s.firstByteAt, err = s.reader.Next(nil)
	if err == nil {
		s.consecutive = 0
		s.describeSource()
		s.pending = true
		return s, nil
	}
	defer s.close()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case s.oversizeTracker.failure() != nil:
		return nil, s.oversizeTracker.failure()
	case s.reader.Skipped() > 0:
		return nil, newFailure(camera.Damaged, "the pictures are damaged")
	case s.hasExpired():
		return nil, errNoPictureInTime
	}
	return nil, errNoPicture
}

func (s *httpStream) next(ctx context.Context, _ *gocv.Mat) error {
	s.extend(s.timeout)
	if s.pending {
		s.pending = false
		return nil
	}
	damaged := s.reader.Skipped()
	var err error
	s.jpeg, s.firstByteAt, err = s.reader.Next(s.jpeg)
	switch {
	case err == nil:
		s.consecutive = 0
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case (s.hasExpired() || s.hasTooMany()) && s.oversizeTracker.failure() != nil:
		return s.oversizeTracker.failure()
	case s.hasExpired() && s.reader.Skipped() > damaged:
		return newFailure(camera.Damaged, "only damaged pictures for %v", s.timeout)
	case s.hasExpired():
		return newFailure(camera.Timeout, "no picture for %v", s.timeout)
	}
	return errStreamEnded
}

// recordLoss counts a picture that the reader has left out, and ends a stream that has only pictures that are too large.
func (s *httpStream) recordLoss(l httpmjpeg.SkippedPicture) {
	s.record(l)
	if s.hasTooMany() {
		s.cancel(errOversize)
	}
}

// errOversize is the cause that ends a stream after a series of pictures that are too large.
var errOversize = errors.New("pictures too large")

// close ends the connection.
func (s *httpStream) close() {
	s.release()
	_ = s.body.Close()
	s.client.close()
}
