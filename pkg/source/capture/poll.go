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

	condition "camd/pkg/camera"
	"camd/pkg/source/mixed"
	"camd/pkg/source/wire"
)

// defaultPollRate is how many pictures a second are fetched unless camd says otherwise.
const defaultPollRate = 1

// poll fetches one picture after the other, never two at a time: a slow server makes the rate lower.
type poll struct {
	held
	web      *web
	schedule schedule
	timeout  time.Duration // of a request
	patience time.Duration // with a server that has nothing new
	newest   time.Time     // when there was something new
	header   http.Header   // makes a request conditional
	pending  bool
	lost     func(mixed.Loss)
	oversize
}

func openPoll(ctx context.Context, rules *serverRules, start wire.Start, lost func(mixed.Loss)) (source, error) {
	fps := cmp.Or(start.FPS, defaultPollRate)
	p := &poll{web: newWeb(rules), lost: lost, schedule: newSchedule(fps), header: http.Header{}, timeout: start.OpenTimeout, pending: true, oversize: oversize{limit: limitsOf(start).Bytes}}
	p.schedule.late = 0
	p.patience = max(start.ReadTimeout, 3*p.schedule.period)
	if _, err := p.fetch(ctx); err != nil {
		p.close()
		return nil, err
	}
	p.measure()
	p.found.FPS = fps
	p.timeout, p.newest = start.ReadTimeout, time.Now()
	return p, nil
}

func (p *poll) next(ctx context.Context, _ *gocv.Mat) error {
	for {
		if err := p.schedule.wait(ctx); err != nil {
			return err
		}
		if p.pending {
			p.pending = false
			return nil
		}
		fresh, err := p.fetch(ctx)
		if fresh {
			p.newest = time.Now()
			return nil
		}
		// One answer that is no picture, among others that are, is passed over.
		over := time.Since(p.newest) > p.patience
		switch f, failed := errors.AsType[*failure](err); {
		case err != nil && (over || !failed || slices.Contains(lasting, f.reason)):
			return err
		case over:
			return fail(condition.Timeout, "the server has had no new picture for %v", p.patience)
		}
	}
}

// lasting are the reasons that the next request would have, too.
var lasting = []condition.Reason{condition.Auth, condition.NotFound, condition.Certificate, condition.Redirect}

// fetch requests a picture, and reports whether it is a new one.
func (p *poll) fetch(ctx context.Context) (fresh bool, err error) {
	l := newLeash(ctx, p.timeout)
	defer l.release()
	answer, err := p.web.get(l, p.header.Clone())
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil:
		return false, connectFailure(p.web.src, err)
	}
	if answer.ContentLength >= 0 {
		defer drain(answer.Body)
	} else { // its end may never come
		defer answer.Body.Close()
	}
	if answer.StatusCode == http.StatusNotModified {
		return false, nil
	}
	if f := judge(p.web.src, answer.StatusCode); f != nil {
		return false, f
	}
	err = p.read(answer)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case l.late():
		return false, fail(condition.Timeout, "the picture did not come within %v", p.timeout)
	case err != nil && p.oversize.failure() != nil:
		return false, p.oversize.failure()
	case err != nil && notVideo(mediaType(answer)):
		return false, fail(condition.BadStream, "the server sent %s, not a picture", named(mediaType(answer)))
	case err != nil:
		return false, fail(condition.BadStream, "the server sent no whole JPEG")
	}
	p.remember(answer.Header)
	return true, nil
}

// read takes the picture out of an answer.
func (p *poll) read(answer *http.Response) error {
	p.inRow = 0
	if size := answer.ContentLength; size > int64(p.limit) {
		p.leaveOut(mixed.Loss{Size: size})
		return io.ErrUnexpectedEOF
	}
	body := io.LimitReader(answer.Body, 2*int64(p.limit)) // of one without a length, to say how large it is
	reader := mixed.New(mixed.Options{Source: body, Limit: p.limit, Clock: monotonic, Lost: p.leaveOut})
	var err error
	p.jpeg, p.began, err = reader.Next(p.jpeg)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (p *poll) leaveOut(l mixed.Loss) {
	p.lost(l)
	p.note(l)
}

// remember makes the next request conditional on what this answer had.
func (p *poll) remember(h http.Header) {
	p.header = http.Header{}
	for answer, request := range map[string]string{"Etag": "If-None-Match", "Last-Modified": "If-Modified-Since"} {
		if v := h.Get(answer); v != "" {
			p.header.Set(request, v)
		}
	}
}

func (p *poll) close() { p.web.close() }
