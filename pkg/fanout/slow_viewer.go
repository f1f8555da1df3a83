package fanout

import (
	"cmp"
	"time"

	"camd/internal/writetimeout"
	"camd/pkg/broker"
)

// writeChunk is how many bytes a viewer must take within the write timeout. A viewer on a bad link may need long for a whole frame. A
// single byte is not enough progress: a viewer that takes a few bytes a second must not keep its connection, or hold up Close.
const writeChunk = 16 << 10

// pendingWrite is what a goroutine does for a viewer whose socket takes nothing more: it writes the rest of a frame. If the socket has
// taken nothing of the frame, it only waits until the socket takes bytes again.
type pendingWrite struct {
	sender     *sender
	viewer     *Viewer
	frame      *broker.Frame // nil: only wait
	head, rest []byte        // what the socket has not taken of the frame
	isCounted  bool          // false for a repeated frame
}

// finish writes the rest of the frame or waits, and then lets the viewer resume. After a wait, the viewer gets what is newest then, and
// not the frame that its socket did not take.
func (p *pendingWrite) finish() {
	s, v := p.sender, p.viewer
	var err error
	if p.frame == nil {
		err = p.awaitWritable()
	} else {
		err = p.writeRest()
	}
	_ = v.Conn.SetWriteDeadline(time.Time{}) // else the next send could fail by an old deadline
	if p.isCounted && p.frame != nil {
		p.count(err)
	}
	v.err = err
	*p = pendingWrite{}
	s.enqueue(&s.resumed, v)
}

// writeRest returns when the socket has taken the rest of the frame.
func (p *pendingWrite) writeRest() error {
	w := writetimeout.Writer{Conn: p, Timeout: p.timeout(), ChunkSize: writeChunk}
	if len(p.head) > 0 {
		if _, err := w.Write(p.head); err != nil {
			return err
		}
	}
	_, err := w.Write(p.rest)
	return err
}

// count counts the frame as sent, or as dropped if err is why it could not be written.
func (p *pendingWrite) count(err error) {
	v, f := p.viewer, p.frame
	v.advanceTo(f)
	if err != nil {
		v.Counts.DroppedSlow.Add(1)
		return
	}
	now := time.Now()
	v.recordSent(f, now)
	if v.hasAge(f) {
		p.sender.opts.ObserveAges(p.sender.topic, []time.Duration{now.Sub(f.Captured)})
	}
}

// awaitWritable returns when the socket takes bytes again, or with an error after the write timeout.
func (p *pendingWrite) awaitWritable() error {
	_ = p.SetWriteDeadline(time.Now().Add(p.timeout())) // if this fails, so does the wait
	return p.viewer.raw.Write(writable)                 // the runtime calls writable now and after each event, since it does not keep earlier events
}

// timeout returns the viewer's write timeout.
func (p *pendingWrite) timeout() time.Duration {
	return cmp.Or(p.viewer.WriteTimeout, p.sender.opts.WriteTimeout)
}

// Write implements writetimeout.Conn.
func (p *pendingWrite) Write(b []byte) (int, error) {
	n, err := p.viewer.Conn.Write(b)
	p.viewer.Counts.Bytes.Add(uint64(n))
	return n, err
}

// SetWriteDeadline implements writetimeout.Conn. Once the sender ends, the drain timeout bounds every deadline.
func (p *pendingWrite) SetWriteDeadline(t time.Time) error {
	// t is set before the check: if the sender ends after the check, closeViewers replaces t by a shorter deadline.
	if err := p.viewer.Conn.SetWriteDeadline(t); err != nil || !p.sender.isEnding() {
		return err
	}
	if drained := time.Now().Add(p.sender.opts.DrainTimeout); drained.Before(t) {
		t = drained
	}
	return p.viewer.Conn.SetWriteDeadline(t)
}

// isEnding reports whether the fan-out closes or the topic has ended.
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

// closeViewers waits until busy viewers have finished their frame, for Options.DrainTimeout at most. Then it closes all connections and
// passes cause to OnClose.
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
