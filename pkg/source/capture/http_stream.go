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

func (b *bufferedJPEG) opened() wire.Opened { return b.found }

func (b *bufferedJPEG) takeJPEG(spare []byte) ([]byte, int64) {
	p := b.jpeg
	b.jpeg = spare
	return p, b.firstByteAt
}

func (b *bufferedJPEG) retrieve(*gocv.Mat) bool { return false }

// describeSource sets found from the first picture.
func (b *bufferedJPEG) describeSource() {
	b.found = wire.Opened{Backend: "HTTP", Codec: "mjpeg", Passthrough: true}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(b.jpeg)); err == nil {
		b.found.Width, b.found.Height = c.Width, c.Height
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
	pending bool // the newest picture was read for a check and has not been delivered
}

// readFirst waits for the first picture.
func (h *httpStream) readFirst(ctx context.Context) (source, error) {
	h.reader = httpmjpeg.New(httpmjpeg.Options{Source: h.body, MaxBytes: h.limit, Clock: monotonic, OnSkip: h.recordLoss})
	var err error
	h.jpeg, h.firstByteAt, err = h.reader.Next(nil)
	if err == nil {
		h.consecutive = 0
		h.describeSource()
		h.pending = true
		return h, nil
	}
	defer h.close()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case h.oversizeTracker.failure() != nil:
		return nil, h.oversizeTracker.failure()
	case h.reader.Skipped() > 0:
		return nil, newFailure(camera.Damaged, "the stream contains only damaged pictures")
	case h.hasExpired():
		return nil, errNoPictureInTime
	}
	return nil, errNoPicture
}

func (h *httpStream) next(ctx context.Context, _ *gocv.Mat) error {
	h.extend(h.timeout)
	if h.pending {
		h.pending = false
		return nil
	}
	damaged := h.reader.Skipped()
	var err error
	h.jpeg, h.firstByteAt, err = h.reader.Next(h.jpeg)
	switch {
	case err == nil:
		h.consecutive = 0
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case (h.hasExpired() || h.hasTooMany()) && h.oversizeTracker.failure() != nil:
		return h.oversizeTracker.failure()
	case h.hasExpired() && h.reader.Skipped() > damaged:
		return newFailure(camera.Damaged, "only damaged pictures for %v", h.timeout)
	case h.hasExpired():
		return newFailure(camera.Timeout, "no picture for %v", h.timeout)
	}
	return errStreamEnded
}

// recordLoss counts a picture that the reader has left out, and ends a stream that has only pictures that are too large.
func (h *httpStream) recordLoss(l httpmjpeg.SkippedPicture) {
	h.record(l)
	if h.hasTooMany() {
		h.cancel(errOversize)
	}
}

// errOversize is the cause that ends a stream after a series of pictures that are too large.
var errOversize = errors.New("pictures too large")

// close ends the connection.
func (h *httpStream) close() {
	h.release()
	_ = h.body.Close()
	h.client.close()
}
