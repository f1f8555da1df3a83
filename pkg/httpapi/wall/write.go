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

// messageWriter is the state of sending. Only the goroutine that holds its mutex writes to the connection; any goroutine of the session
// may.
type messageWriter struct {
	mu        sync.Mutex
	sendAgain atomic.Bool // another goroutine found it locked, or is about to lock it
	header    []byte
	lastWrite time.Time // when the last message was sent
	err       error     // why writing has failed
}

// writeLoop sends notices, frames when other goroutines ask for it, and alive notices, until a write fails or the session ends.
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

// sendAlive sends an alive notice, unless something else was sent in time. It returns when to check again.
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

// flush sends everything that is queued. If another goroutine is sending, that one checks again when it has finished.
func (s *session) flush() {
	w := &s.writer
	for w.sendAgain.Store(true); w.sendAgain.Load() && w.mu.TryLock(); {
		w.sendAgain.Store(false) // before sending: what is queued later sets it again
		if w.err == nil {
			if w.err = s.flushLocked(); w.err != nil {
				s.cancel()
			}
		}
		w.mu.Unlock()
	}
}

// flushLocked sends until nothing is queued. s.writer.mu must be held.
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
		err := s.writeFrame(w.header, f.Data)
		if err == nil {
			stream.Sent(f, len(w.header)+len(f.Data))
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
	if len(s.notices) > 0 { // the notice that a camera is subscribed precedes its pictures
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
		s.roundRobin[len(s.roundRobin)-1] = t // this camera comes last in the next turn
		return t, t.stream, f
	}
	return nil, nil, nil
}

// writeFrame writes one message: the header, and the picture's bytes, which all viewers share. A large picture is written in pieces, so
// that answers to pings can go in between.
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

// noDeadline is a context without an end. For a context that can end, the library starts a watch for each chunk of a message, which costs
// as much as the chunk. Closing the connection ends a write, too.
var noDeadline = context.Background()
