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

	condition "camd/pkg/camera"
	"camd/pkg/source/mixed"
	"camd/pkg/source/wire"
)

// openHTTP asks for an HTTP source and goes by what comes: a series of JPEGs, one of them, or something for FFmpeg.
func openHTTP(ctx context.Context, rules *serverRules, start wire.Start, speed float64, lost func(mixed.Loss)) (source, error) {
	w := newWeb(rules)
	l := newLeash(ctx, start.OpenTimeout)
	answer, err := w.get(l, http.Header{})
	if err != nil {
		l.release()
		return nil, connectFailure(rules.source, err)
	}
	s := &stream{leash: l, web: w, body: answer.Body, timeout: start.ReadTimeout, lost: lost, oversize: oversize{limit: limitsOf(start).Bytes}}
	if f := judge(rules.source, answer.StatusCode); f != nil {
		s.close()
		return nil, f
	}
	kind := mediaType(answer)
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		return s.begin(ctx)
	case isPicture(kind):
		s.close()
		return openPoll(ctx, rules, start, lost)
	}
	s.close()
	return playHTTP(rules, start, speed, kind)
}

// isPicture tells the content types of a single JPEG, the wrong ones among them.
func isPicture(kind string) bool {
	return kind == "image/jpeg" || kind == "image/jpg" || kind == "image/pjpeg"
}

// held is a picture that has been read.
type held struct {
	found wire.Opened
	jpeg  []byte
	began int64
}

func (h *held) opened() wire.Opened { return h.found }

func (h *held) take(spare []byte) ([]byte, int64) {
	p := h.jpeg
	h.jpeg = spare
	return p, h.began
}

func (h *held) fill(*gocv.Mat) bool { return false }

// measure describes the source by the picture that it begins with.
func (h *held) measure() {
	h.found = wire.Opened{Backend: "HTTP", Codec: "mjpeg", Passthrough: true}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(h.jpeg)); err == nil {
		h.found.Width, h.found.Height = c.Width, c.Height
	}
}

// stream is a series of JPEGs in one HTTP answer.
type stream struct {
	held
	*leash
	web     *web
	body    io.ReadCloser
	reader  *mixed.Reader
	timeout time.Duration
	lost    func(mixed.Loss)
	oversize
	pending bool // the newest picture was read to look at it and has not been delivered
}

// begin waits for the first picture.
func (s *stream) begin(ctx context.Context) (source, error) {
	s.reader = mixed.New(mixed.Options{Source: s.body, Limit: s.limit, Clock: monotonic, Lost: s.leaveOut})
	var err error
	s.jpeg, s.began, err = s.reader.Next(nil)
	if err == nil {
		s.inRow = 0
		s.measure()
		s.pending = true
		return s, nil
	}
	defer s.close()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case s.oversize.failure() != nil:
		return nil, s.oversize.failure()
	case s.reader.Damaged() > 0:
		return nil, fail(condition.Damaged, "the pictures are damaged")
	case s.late():
		return nil, errNoneInTime
	}
	return nil, errNoPicture
}

func (s *stream) next(ctx context.Context, _ *gocv.Mat) error {
	s.extend(s.timeout)
	if s.pending {
		s.pending = false
		return nil
	}
	damaged := s.reader.Damaged()
	var err error
	s.jpeg, s.began, err = s.reader.Next(s.jpeg)
	switch {
	case err == nil:
		s.inRow = 0
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case (s.late() || s.hopeless()) && s.oversize.failure() != nil:
		return s.oversize.failure()
	case s.late() && s.reader.Damaged() > damaged:
		return fail(condition.Damaged, "only damaged pictures for %v", s.timeout)
	case s.late():
		return fail(condition.Timeout, "no picture for %v", s.timeout)
	}
	return errEnd
}

// leaveOut counts a picture that the reader has left out, and ends a stream that has only pictures that are too large.
func (s *stream) leaveOut(l mixed.Loss) {
	s.lost(l)
	s.note(l)
	if s.hopeless() {
		s.cancel(errOversize)
	}
}

// errOversize is the cause of a leash's end by a series of pictures that are too large.
var errOversize = errors.New("pictures too large")

// close ends the connection.
func (s *stream) close() {
	s.release()
	_ = s.body.Close()
	s.web.close()
}
