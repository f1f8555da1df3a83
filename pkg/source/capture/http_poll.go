package capture

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/camera"
	"camd/pkg/source/httpmjpeg"
	"camd/pkg/source/wire"
)

// defaultPollRate is how many pictures a second are fetched if no rate is configured.
const defaultPollRate = 1

// httpPoller fetches one picture after the other, never two at a time: a slow server makes the rate lower.
type httpPoller struct {
	bufferedJPEG
	client            *httpClient
	pacer             pacer
	timeout           time.Duration // of a request
	newPictureTimeout time.Duration // how long the server may have no new picture
	lastNewAt         time.Time     // when the last new picture came
	header            http.Header   // makes a request conditional
	pending           bool
	oversizeTracker
}

func openHTTPPoll(ctx context.Context, rules *serverRules, start wire.Start, onLoss func(httpmjpeg.SkippedPicture)) (source, error) {
	fps := cmp.Or(start.FPS, defaultPollRate)
	p := &httpPoller{client: newHTTPClient(rules), pacer: newPacer(fps), header: http.Header{}, timeout: start.OpenTimeout, pending: true,
		oversizeTracker: oversizeTracker{limit: start.Limits.OrDefault().Bytes, onLoss: onLoss}}
	p.pacer.maxLag = 0
	p.newPictureTimeout = max(start.ReadTimeout, 3*p.pacer.period)
	if _, err := p.fetch(ctx); err != nil {
		p.close()
		return nil, err
	}
	p.describeSource()
	p.found.FPS = fps
	p.timeout, p.lastNewAt = start.ReadTimeout, time.Now()
	return p, nil
}

func (p *httpPoller) next(ctx context.Context, _ *gocv.Mat) error {
	for {
		if err := p.pacer.wait(ctx); err != nil {
			return err
		}
		if p.pending {
			p.pending = false
			return nil
		}
		isNew, err := p.fetch(ctx)
		if isNew {
			p.lastNewAt = time.Now()
			return nil
		}
		// A single response without a picture is ignored.
		over := time.Since(p.lastNewAt) > p.newPictureTimeout
		switch f, failed := errors.AsType[*failure](err); {
		case err != nil && (over || !failed || slices.Contains(permanentReasons, f.reason)):
			return err
		case over:
			return newFailure(camera.Timeout, "the server sent no new picture for %v", p.newPictureTimeout)
		}
	}
}

// permanentReasons are the reasons for which the next request would fail, too.
var permanentReasons = []camera.Reason{camera.Auth, camera.NotFound, camera.Certificate, camera.Redirect}

// fetch requests a picture, and reports whether it is a new one.
func (p *httpPoller) fetch(ctx context.Context) (isNew bool, err error) {
	l := newExtendableContext(ctx, p.timeout)
	defer l.release()
	response, err := p.client.get(l, p.header.Clone())
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil:
		return false, connectFailure(p.client.src, err)
	}
	if response.ContentLength >= 0 {
		defer drainBody(response.Body)
	} else { // its end may never come
		defer response.Body.Close()
	}
	if response.StatusCode == http.StatusNotModified {
		return false, nil
	}
	if f := statusFailure(p.client.src, response.StatusCode); f != nil {
		return false, f
	}
	err = p.read(response)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case l.hasExpired():
		return false, newFailure(camera.Timeout, "the server sent no picture within %v", p.timeout)
	case err != nil && p.oversizeTracker.failure() != nil:
		return false, p.oversizeTracker.failure()
	case err != nil && isNotVideo(mediaType(response)):
		return false, newFailure(camera.BadStream, "the server sent %s, not a picture", safeContentType(mediaType(response)))
	case err != nil:
		return false, newFailure(camera.BadStream, "the server sent no complete JPEG")
	}
	p.setConditional(response.Header)
	return true, nil
}

// read reads the picture of a response.
func (p *httpPoller) read(response *http.Response) error {
	p.consecutive = 0
	if size := response.ContentLength; size > int64(p.limit) {
		p.record(httpmjpeg.SkippedPicture{Size: size})
		return io.ErrUnexpectedEOF
	}
	body := io.LimitReader(response.Body, 2*int64(p.limit)) // of one without a length, to say how large it is
	reader := httpmjpeg.New(httpmjpeg.Options{Source: body, MaxBytes: p.limit, Clock: monotonic, OnSkip: p.record})
	var err error
	p.jpeg, p.firstByteAt, err = reader.Next(p.jpeg)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// setConditional makes the next request conditional on the ETag and Last-Modified of this response.
func (p *httpPoller) setConditional(h http.Header) {
	p.header = http.Header{}
	for responseName, requestName := range map[string]string{"Etag": "If-None-Match", "Last-Modified": "If-Modified-Since"} {
		if v := h.Get(responseName); v != "" {
			p.header.Set(requestName, v)
		}
	}
}

func (p *httpPoller) close() { p.client.close() }
