package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/mjpeg"
)

const mainRendition = "main"

// repeatAfter is how long a viewer waits for a new frame before it gets the last one again. Some browsers paint a part
// only when the next one begins, so that at low rates they would always show the picture before the last.
const repeatAfter = 500 * time.Millisecond

// maxFPS bounds ?fps=; no camera is faster.
const maxFPS = 1000

// stream serves MJPEG until the viewer leaves.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, v view) {
	topic, fps, err := v.streamQuery(r)
	if err != nil {
		fail(w, r, err.code, err.message)
		return
	}
	streamHeaders(w, r)
	if r.Method == http.MethodHead {
		return
	}
	seat := seat{v.id, mainRendition, "http" + strconv.Itoa(min(r.ProtoMajor, 2))}
	me, full := s.audience.join(seat, r.RemoteAddr)
	if full != nil {
		clear(w.Header())
		w.Header().Set("Retry-After", "10")
		fail(w, r, http.StatusServiceUnavailable, full.Error())
		return
	}
	log := s.log.With(zap.String("camera", v.id), zap.String("remote", me.remote))
	log.Info("viewer joined", zap.String("agent", r.UserAgent()))

	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	p := &player{
		viewer: me, sub: sub, pace: newPacer(fps), out: w, flow: http.NewResponseController(w),
		timeout: s.opts.WriteTimeout, age: s.opts.Metrics.age(v.id, mainRendition),
	}
	why := reasonToCut(r.Context(), p.play(r.Context()), s.stopping.Load)
	s.audience.leave(me, why)
	t := me.tally()
	log.Info("viewer left", zap.String("cut", why), zap.Uint64("sent", t.sent), zap.Uint64("dropped", t.slow+t.rate),
		zap.Uint64("bytes", t.bytes), zap.Duration("watched", time.Since(me.since)))
}

// requestError is a request that cannot be served, for people.
type requestError struct {
	code    int
	message string
}

// streamQuery reads ?rendition= and ?fps=.
func (v view) streamQuery(r *http.Request) (*broker.Topic, float64, *requestError) {
	topic, bad := v.rendition(r)
	if bad != nil {
		return nil, 0, bad
	}
	value := r.FormValue("fps")
	if value == "" {
		return topic, 0, nil
	}
	fps, err := strconv.ParseFloat(value, 64)
	if err != nil || !(fps > 0 && fps <= maxFPS) {
		return nil, 0, &requestError{http.StatusBadRequest,
			fmt.Sprintf("fps=%q is not a number above 0, at most %d, such as fps=5", value, maxFPS)}
	}
	return topic, fps, nil
}

// rendition reads ?rendition=.
func (v view) rendition(r *http.Request) (*broker.Topic, *requestError) {
	name := r.FormValue("rendition")
	topic, ok := v.camera.Topic(name)
	if !ok {
		return nil, &requestError{http.StatusNotFound, fmt.Sprintf("camera %q has no rendition %q; there is: %s", v.id, name, mainRendition)}
	}
	return topic, nil
}

// streamHeaders announce a stream that ends with its connection and that nothing on the way may keep.
func streamHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", mjpeg.ContentType)
	h.Set("Cache-Control", "no-store, no-cache, must-revalidate, no-transform")
	h.Set("Pragma", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would collect frames
	if r.ProtoMajor == 1 {
		// Without chunks, so that a frame's bytes go to the socket as they are. On HTTP/2 the header would end the session.
		h.Set("Transfer-Encoding", "identity")
		h.Set("Connection", "close")
	}
}

// player sends one viewer its frames.
type player struct {
	*viewer
	sub     *broker.Subscription
	pace    *pacer
	out     http.ResponseWriter
	flow    *http.ResponseController
	timeout time.Duration
	age     prometheus.Observer
	dropped uint64 // as the subscription counts it
}

// play returns when the viewer has left, takes nothing any more, or ctx has ended.
func (p *player) play(ctx context.Context) error {
	if err := p.write([]byte(mjpeg.Preamble)); err != nil {
		return err
	}
	repeat := time.NewTimer(repeatAfter)
	defer repeat.Stop()
	var last *broker.Frame
	for {
		rung := p.sub.Bell()
		f := p.sub.TryNext()
		switch {
		case f == nil:
			select {
			case <-rung:
			case <-repeat.C:
				if err := p.again(last); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		case !f.Placeholder && !p.pace.due(f.Captured):
			p.rate.Add(1)
		default:
			if err := p.show(f); err != nil {
				return err
			}
			last = f
			repeat.Reset(repeatAfter)
		}
		p.account()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// show writes a frame and notes how old it was when the kernel had it.
func (p *player) show(f *broker.Frame) error {
	if err := p.write(f.Part); err != nil {
		return err
	}
	p.sent.Add(1)
	if !f.Placeholder { // one may be hours old
		p.age.Observe(time.Since(f.Captured).Seconds())
	}
	return nil
}

// again writes the last frame once more; it counts as no frame.
func (p *player) again(last *broker.Frame) error {
	if last == nil {
		return nil
	}
	return p.write(last.Part)
}

func (p *player) write(b []byte) error {
	if err := p.flow.SetWriteDeadline(time.Now().Add(p.timeout)); err != nil {
		return err
	}
	n, err := p.out.Write(b)
	p.bytes.Add(uint64(n))
	if err != nil {
		return err
	}
	return p.flow.Flush()
}

// account passes on what the ring has dropped for this viewer.
func (p *player) account() {
	if d := p.sub.Stats().Dropped; d != p.dropped {
		p.slow.Add(d - p.dropped)
		p.dropped = d
	}
}

// reasonToCut tells the viewers whom camd sent away from those who left.
func reasonToCut(ctx context.Context, err error, stopping func() bool) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return cutStalled
	case ctx.Err() != nil && stopping():
		return cutShutdown
	}
	return ""
}
