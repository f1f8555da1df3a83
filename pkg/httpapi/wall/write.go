package wall

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"camd/pkg/broker"
)

// messageWriter is held by the one goroutine that writes.
type messageWriter struct {
	mu        sync.Mutex
	sendAgain atomic.Bool // another goroutine found it locked, or has yet to look
	header    []byte
	lastWrite time.Time // when something was sent
	err       error     // why nothing can be any more
}

// writeLoop sends notices, what others ask it to, and signs of life, until it cannot.
func (s *session) writeLoop() error {
	alive := time.NewTimer(s.opts.AliveInterval)
	defer alive.Stop()
	for {
		select {
		case <-s.wake:
			s.flush()
		case <-alive.C:
			alive.Reset(s.sendAlive())
		case <-s.ctx.Done():
			s.writer.mu.Lock()
			defer s.writer.mu.Unlock()
			return cmp.Or(s.writer.err, s.ctx.Err())
		}
	}
}

// sendAlive says that the connection lives, unless something else has, and returns when to look again.
func (s *session) sendAlive() time.Duration {
	s.writer.mu.Lock()
	left := s.opts.AliveInterval - time.Since(s.writer.lastWrite)
	s.writer.mu.Unlock()
	if left > 0 {
		return left
	}
	s.queueNotice(serverMessage{Type: "alive"})
	return s.opts.AliveInterval
}

// flush sends all that there is. If somebody is at it, they look once more after what they are sending.
func (s *session) flush() {
	w := &s.writer
	for w.sendAgain.Store(true); w.sendAgain.Load() && w.mu.TryLock(); {
		w.sendAgain.Store(false) // before looking: what is not seen has yet to set it
		if w.err == nil {
			if w.err = s.flushLocked(); w.err != nil {
				s.cancel()
			}
		}
		w.mu.Unlock()
	}
}

// flushLocked sends until there is nothing to send. s.writer.mu must be held.
func (s *session) flushLocked() error {
	w := &s.writer
	for {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		select {
		case n := <-s.notices:
			if err := s.writeNotice(n); err != nil {
				return err
			}
			w.lastWrite = time.Now()
			continue
		default:
		}
		t, stream, f := s.nextFrame()
		if f == nil {
			if len(s.notices) > 0 {
				continue
			}
			return nil
		}
		w.header = appendHeader(w.header[:0], t.camera, t.rendition, f)
		err := s.writeFrame(w.header, f.JPEG)
		if err == nil {
			stream.Sent(f, len(w.header)+len(f.JPEG))
		}
		s.finishSend()
		if err != nil {
			return err
		}
		w.lastWrite = time.Now()
	}
}

// finishSend releases the stream whose frame has been sent.
func (s *session) finishSend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deferredLeave != nil {
		s.deferredLeave()
	}
	s.sending, s.deferredLeave = nil, nil
}

// nextFrame returns the next picture to send, in round-robin order of the cameras that have one and may send it.
func (s *session) nextFrame() (*subscription, Stream, *broker.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.notices) > 0 { // that a camera is subscribed is said before its pictures
		return nil, nil, nil
	}
	for i, t := range s.roundRobin {
		if t.stream == nil || len(t.unacked) >= maxUnacked {
			continue
		}
		f := t.sub.TryNext()
		if f == nil {
			continue
		}
		t.reportDropped()
		if len(t.unacked) == 0 {
			t.unackedSince = time.Now()
		}
		t.unacked = append(t.unacked, f.Seq)
		s.sending = t.stream
		copy(s.roundRobin[i:], s.roundRobin[i+1:])
		s.roundRobin[len(s.roundRobin)-1] = t // the last to send again
		return t, t.stream, f
	}
	return nil, nil, nil
}

// writeFrame writes one message: the header, and the picture's bytes, which all viewers share. Between pieces of a large one
// there is room for the answer to a ping.
func (s *session) writeFrame(header, jpeg []byte) error {
	w, err := s.conn.Writer(noDeadline, websocket.MessageBinary)
	if err == nil {
		_, err = w.Write(header)
	}
	for len(jpeg) > 0 && err == nil {
		n := min(writeBufferSize, len(jpeg))
		_, err = w.Write(jpeg[:n])
		jpeg = jpeg[n:]
	}
	if err == nil {
		err = w.Close()
	}
	return err
}

func (s *session) writeNotice(n serverMessage) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.conn.Write(noDeadline, websocket.MessageText, text)
}

// noDeadline has no end. A context that has one is watched again for each chunk of a message, which costs as much as the chunk;
// closing the connection ends a write, too.
var noDeadline = context.Background()
