package mjpeg

import (
	"context"
	"errors"
	"net/http"
	"time"

	"camd/internal/stalltimeout"
	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/media"
)

// streamWriter sends frames to one viewer on a connection that encrypts or multiplexes. Package fanout serves plain ones.
type streamWriter struct {
	*viewers.Viewer
	sub      *broker.Subscription
	filter   func(*broker.Frame) fanout.Decision
	response *responseConn
	timeout  time.Duration
	dropped  uint64 // as the subscription counts it
}

// responseConn is a response as a stalltimeout.Conn.
type responseConn struct {
	http.ResponseWriter
	*http.ResponseController
}

// run sends frames. It returns when the viewer has left or has stalled, or when its topic or ctx has ended.
func (p *streamWriter) run(ctx context.Context) error {
	if err := p.write([]byte(media.Preamble)); err != nil {
		return err
	}
	repeat := time.NewTimer(RepeatAfter)
	defer repeat.Stop()
	var last *broker.Frame
	for {
		updated := p.sub.Updated()
		f := p.sub.TryNext()
		switch {
		case f == nil:
			select {
			case <-updated:
			case <-repeat.C:
				if err := p.repeatFrame(last); err != nil {
					return err
				}
			case <-p.sub.Ended():
				return broker.ErrEnded
			case <-ctx.Done():
				return ctx.Err()
			}
		default:
			if p.filter != nil {
				if decision := p.filter(f); decision != fanout.Send {
					p.CountDropped(decision)
					break
				}
			}
			if err := p.writeFrame(f); err != nil {
				return err
			}
			last = f
			repeat.Reset(RepeatAfter)
		}
		p.countDropped()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// writeFrame writes a frame and records how old it was when the kernel had taken it.
func (p *streamWriter) writeFrame(f *broker.Frame) error {
	if err := p.write(f.Part); err != nil {
		return err
	}
	p.RecordSent(f)
	return nil
}

// repeatFrame writes the last frame again, without counting it.
func (p *streamWriter) repeatFrame(last *broker.Frame) error {
	if last == nil {
		return nil
	}
	return p.write(last.Part)
}

// write returns when the connection has taken all of b. On HTTP/2 a missed deadline ends only this stream, and the other streams of the
// connection continue.
func (p *streamWriter) write(b []byte) error {
	n, err := stalltimeout.Writer{Conn: p.response, Timeout: p.timeout}.Write(b)
	p.Bytes.Add(uint64(n))
	if err != nil {
		return err
	}
	if err := p.response.Flush(); err != nil {
		return err
	}
	// On HTTP/2 a deadline that passes between two frames would end the stream.
	return p.response.SetWriteDeadline(time.Time{})
}

// countDropped adds the frames that the ring has dropped for this viewer to its counts.
func (p *streamWriter) countDropped() {
	if d := p.sub.Stats().Dropped; d != p.dropped {
		p.DroppedSlow.Add(d - p.dropped)
		p.dropped = d
	}
}

// streamCutReason returns why camd cut a viewer, empty if it left by itself.
func streamCutReason(ctx context.Context, err error, stopping func() bool) string {
	switch {
	case stalltimeout.IsStalled(err):
		return viewers.CutStalled
	case errors.Is(err, broker.ErrEnded):
		return viewers.CutRemoved
	case ctx.Err() != nil && stopping():
		return viewers.CutShutdown
	}
	return ""
}
