package fanout

import (
	"cmp"
	"time"

	"camd/internal/stalltimeout"
	"camd/pkg/broker"
)

// writeChunk is how much of a frame must get through within the write timeout: a viewer on a bad link takes long for a frame,
// one that has stalled takes nothing. TCP could resume after a deadline, so that one byte would do; but a viewer that takes a
// few bytes a second must not hold up Close.
const writeChunk = 16 << 10

// pendingWrite is a frame of which a viewer's socket has taken some bytes, but not all. A goroutine of its own finishes it.
type pendingWrite struct {
	sender    *sender
	viewer    *Viewer
	frame     *broker.Frame
	written   int
	isCounted bool // it is not a repeat
}

// finish writes the rest of the frame, or, if the socket has taken none of it, waits until it would: by then the newest
// frame is a better one than this.
func (p *pendingWrite) finish() {
	s, v, f := p.sender, p.viewer, p.frame
	var err error
	if p.written == 0 {
		err = p.awaitWritable()
	} else {
		_, err = stalltimeout.Writer{Conn: p, Timeout: p.timeout(), ChunkSize: writeChunk}.Write(f.Part[p.written:])
	}
	_ = v.Conn.SetWriteDeadline(time.Time{}) // a deadline that has passed would fail the next send
	if p.isCounted && p.written > 0 {
		v.advanceTo(f)
		if err == nil {
			now := time.Now()
			v.recordSent(f, now)
			if !f.Placeholder {
				s.opts.ObserveAges(s.topic, []time.Duration{now.Sub(f.Captured)})
			}
		} else {
			v.Counts.DroppedSlow.Add(1)
		}
	}
	v.err = err
	p.frame = nil
	s.enqueue(&s.resumed, v)
}

// awaitWritable returns when the socket takes bytes again.
func (p *pendingWrite) awaitWritable() error {
	_ = p.SetWriteDeadline(time.Now().Add(p.timeout())) // it fails where the wait does
	return p.viewer.raw.Write(writable)                 // called now and whenever the runtime sees room, since the runtime does not keep what it saw before
}

func (p *pendingWrite) timeout() time.Duration {
	return cmp.Or(p.viewer.WriteTimeout, p.sender.opts.WriteTimeout)
}

// Write implements stalltimeout.Conn.
func (p *pendingWrite) Write(b []byte) (int, error) {
	n, err := p.viewer.Conn.Write(b)
	p.viewer.Counts.Bytes.Add(uint64(n))
	return n, err
}

// SetWriteDeadline implements stalltimeout.Conn. Once the sender ends, the drain timeout bounds every deadline.
func (p *pendingWrite) SetWriteDeadline(t time.Time) error {
	// t is set before the check: if the sender ends after it, closeViewers then replaces t by its shorter deadline.
	if err := p.viewer.Conn.SetWriteDeadline(t); err != nil || !p.sender.isEnding() {
		return err
	}
	if drained := time.Now().Add(p.sender.opts.DrainTimeout); drained.Before(t) {
		t = drained
	}
	return p.viewer.Conn.SetWriteDeadline(t)
}

// isEnding reports whether the fan-out closes, or the topic has ended.
func (s *sender) isEnding() bool {
	select {
	case <-s.closing:
		return true
	case <-s.topic.Ended():
		return true
	default:
		return false
	}
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
