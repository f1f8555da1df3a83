package mjpeg

import (
	"context"
	"errors"
	"net/http"
	"time"

	"camd/internal/writetimeout"
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

// responseConn is a response as a writetimeout.Conn.
type responseConn struct {
	http.ResponseWriter
	*http.ResponseController
}

// run sends frames. It returns when the viewer has left or has stalled, or when its topic or ctx has ended.
func (s *streamWriter) run(ctx context.Context) error {
	if err := s.write([]byte(media.Preamble)); err != nil {
		return err
	}
	repeat := time.NewTimer(RepeatAfter)
	defer repeat.Stop()
	var last *broker.Frame
	for {
		updated := s.sub.Updated()
		f := s.sub.TryNext()
		switch {
		case f == nil:
			select {
			case <-updated:
			case <-repeat.C:
				if err := s.repeatFrame(last); err != nil {
					return err
				}
			case <-s.sub.Ended():
				return broker.ErrEnded
			case <-ctx.Done():
				return ctx.Err()
			}
		default:
			if s.filter != nil {
				if decision := s.filter(f); decision != fanout.Send {
					s.CountDropped(decision)
					break
				}
			}
			if err := s.writeFrame(f); err != nil {
				return err
			}
			last = f
			repeat.Reset(RepeatAfter)
		}
		s.countDropped()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// writeFrame writes a frame and records how old it was when the kernel had taken it.
func (s *streamWriter) writeFrame(f *broker.Frame) error {
	if err := s.write(f.Wire); err != nil {
		return err
	}
	s.RecordSent(f)
	return nil
}

// repeatFrame writes the last frame again, without counting it.
func (s *streamWriter) repeatFrame(last *broker.Frame) error {
	if last == nil {
		return nil
	}
	return s.write(last.Wire)
}

// write returns when the connection has taken all of b. On HTTP/2 a missed deadline ends only this stream, and the other streams of the
// connection continue.
func (s *streamWriter) write(b []byte) error {
	n, err := writetimeout.Writer{Conn: s.response, Timeout: s.timeout}.Write(b)
	s.Bytes.Add(uint64(n))
	if err != nil {
		return err
	}
	if err := s.response.Flush(); err != nil {
		return err
	}
	// On HTTP/2 a deadline that passes between two frames would end the stream.
	return s.response.SetWriteDeadline(time.Time{})
}

// countDropped adds the frames that the ring has dropped for this viewer to its counts.
func (s *streamWriter) countDropped() {
	if d := s.sub.Stats().Dropped.Total(); d != s.dropped {
		s.DroppedSlow.Add(d - s.dropped)
		s.dropped = d
	}
}

// streamCutReason returns why camd disconnected a viewer. It is empty if the viewer left by itself.
func streamCutReason(ctx context.Context, err error, stopping func() bool) string {
	switch {
	case writetimeout.IsExceeded(err):
		return viewers.CutStalled
	case errors.Is(err, broker.ErrEnded):
		return viewers.CutRemoved
	case ctx.Err() != nil && stopping():
		return viewers.CutShutdown
	}
	return ""
}
