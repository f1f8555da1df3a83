package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/mjpeg"
)

// piece is how much of a frame must get through within the write timeout: a viewer on a bad link takes long for a frame,
// one that has stalled takes nothing.
const piece = 64 << 10

// player sends one viewer its frames, over a connection that encrypts or multiplexes: plain ones go to package fanout.
type player struct {
	*viewer
	sub     *broker.Subscription
	judge   func(*broker.Frame) fanout.Verdict
	out     http.ResponseWriter
	flow    *http.ResponseController
	timeout time.Duration
	age     prometheus.Observer
	dropped uint64 // as the subscription counts it
}

// play returns when the viewer has left, takes nothing any more, or its topic or ctx has ended.
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
			case <-p.sub.Ended():
				return broker.ErrEnded
			case <-ctx.Done():
				return ctx.Err()
			}
		default:
			if p.judge != nil {
				if verdict := p.judge(f); verdict != fanout.Show {
					p.Skipped(verdict)
					break
				}
			}
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
	now := time.Now()
	p.Wrote(f, now)
	if !f.Placeholder { // one may be hours old
		p.age.Observe(now.Sub(f.Captured).Seconds())
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

// write returns when the connection has taken all of b. A stream of HTTP/2 alone is ended by its deadline, and not the
// connection, whose other streams go on.
func (p *player) write(b []byte) error {
	for len(b) > 0 {
		if err := p.flow.SetWriteDeadline(time.Now().Add(p.timeout)); err != nil {
			return err
		}
		n, err := p.out.Write(b[:min(piece, len(b))])
		p.Bytes.Add(uint64(n))
		if err != nil {
			return err
		}
		b = b[n:]
	}
	if err := p.flow.Flush(); err != nil {
		return err
	}
	// On HTTP/2 a deadline that passes between two frames would end the stream.
	return p.flow.SetWriteDeadline(time.Time{})
}

// account passes on what the ring has dropped for this viewer.
func (p *player) account() {
	if d := p.sub.Stats().Dropped; d != p.dropped {
		p.Slow.Add(d - p.dropped)
		p.dropped = d
	}
}

// reasonToCut tells the viewers whom camd sent away from those who left.
func reasonToCut(ctx context.Context, err error, stopping func() bool) string {
	switch {
	case fanout.Stalled(err):
		return cutStalled
	case errors.Is(err, broker.ErrEnded):
		return cutRemoved
	case ctx.Err() != nil && stopping():
		return cutShutdown
	}
	return ""
}
