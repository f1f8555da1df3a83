package streaming

import (
	"context"
	"errors"
	"net/http"
	"time"

	"camd/internal/writetimeout"
	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/viewers"
)

// writer sends frames to one viewer on a connection that encrypts or multiplexes. Package fanout serves plain ones.
type writer struct {
	*viewers.Viewer
	sub      *broker.Subscription
	stream   *fanout.Viewer
	preamble string
	response *responseConn
	dropped  broker.Drops // as the subscription counts them
}

// newWriter returns a writer that begins to read the viewer's topic. The caller must close its subscription.
func newWriter(w http.ResponseWriter, resp Response) *writer {
	mode := broker.Latest
	if resp.Stream.Muxer != nil {
		mode = broker.Decodable
	}
	return &writer{
		Viewer: resp.Viewer, sub: resp.Stream.Topic.SubscribeEvery(mode, resp.Stream.Period), stream: resp.Stream, preamble: resp.Preamble,
		response: &responseConn{w, http.NewResponseController(w)},
	}
}

// responseConn is a response as a writetimeout.Conn.
type responseConn struct {
	http.ResponseWriter
	*http.ResponseController
}

// run sends frames. It returns when the viewer has left or has stalled, or when its topic or ctx has ended.
func (s *writer) run(ctx context.Context) error {
	if err := s.write([]byte(s.preamble)); err != nil {
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
			if s.stream.Filter != nil {
				if decision := s.stream.Filter(f); decision != fanout.Send {
					s.CountDropped(decision)
					break
				}
			}
			if err := s.writeFrame(f); err != nil {
				return err
			}
			if s.stream.Muxer == nil {
				last = f
				repeat.Reset(RepeatAfter)
			}
		}
		s.countDropped()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// writeFrame writes a frame and records how old it was when the kernel had taken it.
func (s *writer) writeFrame(f *broker.Frame) error {
	head, rest := []byte(nil), f.Wire
	if s.stream.Muxer != nil {
		var err error
		if head, rest, err = s.stream.Muxer.Mux(f); err != nil {
			return err
		}
		s.stream.Muxer.Sent()
	}
	if err := s.write(head, rest); err != nil {
		return err
	}
	s.RecordSent(f)
	return nil
}

// repeatFrame writes the last frame again, without counting it.
func (s *writer) repeatFrame(last *broker.Frame) error {
	if last == nil {
		return nil
	}
	return s.write(last.Wire)
}

// write returns when the connection has taken all parts. On HTTP/2 a missed deadline ends only this stream, and the other streams of the
// connection continue.
func (s *writer) write(parts ...[]byte) error {
	for _, b := range parts {
		n, err := writetimeout.Writer{Conn: s.response, Timeout: s.stream.WriteTimeout}.Write(b)
		s.Bytes.Add(uint64(n))
		if err != nil {
			return err
		}
	}
	if err := s.response.Flush(); err != nil {
		return err
	}
	// On HTTP/2 a deadline that passes between two frames would end the stream.
	return s.response.SetWriteDeadline(time.Time{})
}

// countDropped adds the frames that the ring has dropped for this viewer to its counts. A viewer of pictures goes on with the newest one, so
// all that it missed were late for it.
func (s *writer) countDropped() {
	d := s.sub.Stats().Dropped
	if s.stream.Muxer == nil {
		d = broker.Drops{Late: d.Total()}
	}
	s.CountRingDrops(&s.dropped, d)
}

// cutReason returns why camd disconnected a viewer. It is empty if the viewer left by itself.
func cutReason(ctx context.Context, err error, stopping func() bool) string {
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
