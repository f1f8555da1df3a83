package fanout

import (
	"cmp"
	"errors"
	"os"
	"time"

	"camd/pkg/broker"
)

// piece is how much of a frame must get through within the write timeout: a viewer on a bad link takes long for a frame,
// one that has stalled takes nothing.
const piece = 16 << 10

// rest is a frame of which a socket has taken some bytes, but not all.
type rest struct {
	frame  *broker.Frame
	taken  int
	counts bool // it is not a repeat
}

// finish writes the rest of a frame, or, if the socket has taken none of it, waits until it would: by then the newest
// frame is a better one than this.
func (s *sender) finish(v *Viewer, r rest) {
	var err error
	if r.taken == 0 {
		err = s.await(v)
	} else {
		err = s.write(v, r.frame.Part[r.taken:])
	}
	_ = v.Conn.SetWriteDeadline(time.Time{}) // a deadline that has passed would fail the next send
	if r.counts && r.taken > 0 {
		v.pass(r.frame)
		if err == nil {
			now := time.Now()
			v.wrote(r.frame, now)
			if !r.frame.Placeholder {
				s.opts.Aged(s.topic, []time.Duration{now.Sub(r.frame.Captured)})
			}
		} else {
			v.Counts.Slow.Add(1)
		}
	}
	v.err = err
	s.post(&s.back, v)
}

// write writes b.
func (s *sender) write(v *Viewer, b []byte) error {
	for len(b) > 0 {
		s.extend(v)
		n, err := v.Conn.Write(b[:min(piece, len(b))])
		v.Counts.Bytes.Add(uint64(n))
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// await returns when the socket takes bytes again.
func (s *sender) await(v *Viewer) error {
	s.extend(v)
	return v.raw.Write(writable) // asked again whenever the runtime hears of room: what it heard before now, it has forgotten
}

// extend gives the viewer the write timeout anew, or the farewell once the fan-out closes or the topic has ended.
func (s *sender) extend(v *Viewer) {
	timeout := cmp.Or(v.WriteTimeout, s.opts.WriteTimeout)
	select {
	case <-s.closing:
		timeout = min(timeout, s.opts.Farewell)
	case <-s.topic.Ended():
		timeout = min(timeout, s.opts.Farewell)
	default:
	}
	_ = v.Conn.SetWriteDeadline(time.Now().Add(timeout))
}

// farewell lets viewers finish the frame that they are taking, and closes all connections; why is what they are told.
func (s *sender) farewell(why error) {
	for _, v := range s.viewers {
		if v.busy {
			_ = v.Conn.SetWriteDeadline(time.Now().Add(s.opts.Farewell))
		}
	}
	s.rests.Wait()
	s.postbox.Lock()
	s.viewers = append(s.viewers, s.admitted...)
	s.admitted = nil
	s.postbox.Unlock()
	for _, v := range s.viewers {
		s.dismiss(v, why)
	}
}

// Stalled reports whether an error given to Left says that the viewer took nothing for the write timeout.
func Stalled(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
