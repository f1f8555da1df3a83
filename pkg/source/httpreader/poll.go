package httpreader

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/httpmjpeg"
	"camd/pkg/source/serverrules"
)

// poller fetches one picture after the other, never two at a time: a slow server makes the rate lower.
type poller struct {
	oversizeTracker
	options           Options
	client            *client
	period            time.Duration
	timeout           time.Duration // of a request
	newPictureTimeout time.Duration // how long the server may have no new picture
	lastNewAt         time.Time     // when the last new picture came
	header            http.Header   // makes a request conditional
	reader            *httpmjpeg.Reader
	picture           httpmjpeg.Picture
}

func newPoller(c *client, o Options) *poller {
	p := &poller{options: o, client: c, header: http.Header{}, timeout: o.OpenTimeout,
		oversizeTracker: oversizeTracker{limit: o.MaxBytes, onSkip: o.reportSkipped}}
	p.reader = httpmjpeg.New(httpmjpeg.Options{MaxBytes: p.limit, OnSkip: p.record})
	// At very low rates, the period would not fit into a Duration.
	p.period = camera.FrameInterval(o.FPS)
	p.newPictureTimeout = max(o.ReadTimeout, 3*p.period)
	return p
}

// run fetches pictures until a request shows that there will be no more, or ctx ends. Its error is never nil.
func (p *poller) run(ctx context.Context) error {
	startedAt := time.Now()
	if _, err := p.fetch(ctx); err != nil {
		return err
	}
	p.timeout = p.options.ReadTimeout
	p.options.OnOpened(describe(p.picture.JPEG, p.options.FPS))
	for {
		p.lastNewAt = time.Now()
		p.options.OnFrame(&Frame{JPEG: p.picture.JPEG, Captured: p.picture.StartedAt, Arrived: p.picture.EndedAt})
		var err error
		if startedAt, err = p.fetchNew(ctx, startedAt); err != nil {
			return err
		}
	}
}

// fetchNew sends requests until one has a new picture. startedAt is when the request before was due, and when the last one was.
func (p *poller) fetchNew(ctx context.Context, startedAt time.Time) (time.Time, error) {
	for {
		var err error
		if startedAt, err = waitUntil(ctx, startedAt.Add(p.period)); err != nil {
			return startedAt, err
		}
		isNew, err := p.fetch(ctx)
		if isNew {
			return startedAt, nil
		}
		// A single response without a picture is ignored.
		over := time.Since(p.lastNewAt) > p.newPictureTimeout
		switch f, failed := errors.AsType[*serverrules.Error](err); {
		case err != nil && (over || !failed || slices.Contains(permanentReasons, f.Reason)):
			return startedAt, err
		case over:
			return startedAt, serverrules.NewError(camera.Timeout, "the server sent no new picture for %v", p.newPictureTimeout)
		}
	}
}

// waitUntil waits until a time, and returns that time. If it has passed, waitUntil returns the present time.
func waitUntil(ctx context.Context, due time.Time) (time.Time, error) {
	now := time.Now()
	if !due.After(now) {
		return now, ctx.Err()
	}
	t := time.NewTimer(due.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
		return due, nil
	case <-ctx.Done():
		return due, ctx.Err()
	}
}

// permanentReasons are the reasons for which the next request would fail, too.
var permanentReasons = []camera.Reason{camera.Auth, camera.NotFound, camera.Certificate, camera.Redirect}

// fetch requests a picture, and reports whether it is a new one.
func (p *poller) fetch(ctx context.Context) (isNew bool, err error) {
	limited := newExtendableContext(ctx, p.timeout)
	defer limited.release()
	response, err := p.client.get(limited, p.header.Clone())
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil:
		return false, serverrules.ConnectError(p.client.source, true, err)
	}
	if response.ContentLength >= 0 {
		defer drainBody(response.Body)
	} else { // its end may never come
		defer response.Body.Close()
	}
	if response.StatusCode == http.StatusNotModified {
		return false, nil
	}
	if f := serverrules.StatusError(p.client.source, response.StatusCode); f != nil {
		return false, f
	}
	err = p.read(response)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case limited.hasExpired():
		return false, serverrules.NewError(camera.Timeout, "the server sent no picture within %v", p.timeout)
	case err != nil && p.oversizeTracker.failure() != nil:
		return false, p.oversizeTracker.failure()
	case err != nil && IsNotVideo(MediaType(response)):
		return false, serverrules.NewError(camera.BadStream, "the server sent %s, not a picture", SafeContentType(MediaType(response)))
	case err != nil:
		return false, serverrules.NewError(camera.BadStream, "the server sent no complete JPEG")
	}
	p.setConditional(response.Header)
	return true, nil
}

// read reads the picture of a response.
func (p *poller) read(response *http.Response) error {
	p.consecutive = 0
	if size := response.ContentLength; size > int64(p.limit) {
		p.record(httpmjpeg.SkippedPicture{Size: size})
		return io.ErrUnexpectedEOF
	}
	p.reader.Reset(io.LimitReader(response.Body, 2*int64(p.limit))) // twice the limit says how large a picture without a length is
	var err error
	p.picture, err = p.reader.Next()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// setConditional makes the next request conditional on the ETag and Last-Modified of this response.
func (p *poller) setConditional(h http.Header) {
	p.header = http.Header{}
	for responseName, requestName := range map[string]string{"Etag": "If-None-Match", "Last-Modified": "If-Modified-Since"} {
		if v := h.Get(responseName); v != "" {
			p.header.Set(requestName, v)
		}
	}
}
