package fanout

import (
	"cmp"
	"errors"
	"os"
	"time"

	"camd/pkg/broker"
)

// writeChunk is how much of a frame must get through within the write timeout: a viewer on a bad link takes long for a frame,
// one that has stalled takes nothing.
const writeChunk = 16 << 10

// pendingWrite is a frame of which a socket has taken some bytes, but not all.
type pendingWrite struct {
	frame     *broker.Frame
	written   int
	isCounted bool // it is not a repeat
}

// finishWrite writes the rest of a frame, or, if the socket has taken none of it, waits until it would: by then the newest
// frame is a better one than this.
func (s *sender) finishWrite(v *Viewer, r pendingWrite) {
	var err error
	if r.written == 0 {
		err = s.awaitWritable(v)
	} else {
		err = s.write(v, r.frame.Part[r.written:])
	}
	_ = v.Conn.SetWriteDeadline(time.Time{}) // a deadline that has passed would fail the next send
	if r.isCounted && r.written > 0 {
		v.advanceTo(r.frame)
		if err == nil {
			now := time.Now()
			v.recordSent(r.frame, now)
			if !r.frame.Placeholder {
				s.opts.ObserveAges(s.topic, []time.Duration{now.Sub(r.frame.Captured)})
			}
		} else {
			v.Counts.SkippedSlow.Add(1)
		}
	}
	v.err = err
	s.enqueue(&s.resumed, v)
}

// write writes b.
func (s *sender) write(v *Viewer, b []byte) error {
	for len(b) > 0 {
		s.extendDeadline(v)
		n, err := v.Conn.Write(b[:min(writeChunk, len(b))])
		v.Counts.Bytes.Add(uint64(n))
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// awaitWritable returns when the socket takes bytes again.
func (s *sender) awaitWritable(v *Viewer) error {
	s.extendDeadline(v)
	return v.raw.Write(writable) // called now and whenever the runtime sees room, since the runtime does not keep what it saw before
}

// extendDeadline restarts the viewer's write timeout, or its drain timeout once the fan-out closes or the topic has ended.
func (s *sender) extendDeadline(v *Viewer) {
	timeout := cmp.Or(v.WriteTimeout, s.opts.WriteTimeout)
	select {
	case <-s.closing:
		timeout = min(timeout, s.opts.DrainTimeout)
	case <-s.topic.Ended():
		timeout = min(timeout, s.opts.DrainTimeout)
	default:
	}
	_ = v.Conn.SetWriteDeadline(time.Now().Add(timeout))
}

// closeViewers lets viewers finish the frame that they are taking, and closes all connections; cause is passed to OnClose.
func (s *sender) closeViewers(cause error) {
	for _, v := range s.viewers {
		if v.busy {
			_ = v.Conn.SetWriteDeadline(time.Now().Add(s.opts.DrainTimeout))
		}
	}
	s.pendingWrites.Wait()
	s.queueMu.Lock()
	s.viewers = append(s.viewers, s.added...)
	s.added = nil
	s.queueMu.Unlock()
	for _, v := range s.viewers {
		s.remove(v, cause)
	}
}

// IsStalled reports whether an error given to OnClose says that the viewer took nothing for the write timeout.
func IsStalled(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
