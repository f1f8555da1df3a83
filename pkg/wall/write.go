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

// pen is what one goroutine at a time writes with.
type pen struct {
	mu     sync.Mutex
	more   atomic.Bool // somebody found it in use, or has yet to look
	header []byte
	last   time.Time // when something was sent
	err    error     // why nothing can be any more
}

// write sends notices, what others ask it to, and signs of life, until it cannot.
func (s *session) write() error {
	quiet := time.NewTimer(s.opts.AliveEvery)
	defer quiet.Stop()
	for {
		select {
		case <-s.wake:
			s.send()
		case <-quiet.C:
			quiet.Reset(s.reassure())
		case <-s.ctx.Done():
			s.pen.mu.Lock()
			defer s.pen.mu.Unlock()
			return cmp.Or(s.pen.err, s.ctx.Err())
		}
	}
}

// reassure says that the connection lives, unless something else has, and returns when to look again.
func (s *session) reassure() time.Duration {
	s.pen.mu.Lock()
	left := s.opts.AliveEvery - time.Since(s.pen.last)
	s.pen.mu.Unlock()
	if left > 0 {
		return left
	}
	s.say(notice{Type: "alive"})
	return s.opts.AliveEvery
}

// send sends all that there is. If somebody is at it, they look once more after what they are sending.
func (s *session) send() {
	p := &s.pen
	for p.more.Store(true); p.more.Load() && p.mu.TryLock(); {
		p.more.Store(false) // before looking: what is not seen has yet to set it
		if p.err == nil {
			if p.err = s.sendAll(); p.err != nil {
				s.cancel()
			}
		}
		p.mu.Unlock()
	}
}

// sendAll sends until there is nothing. The pen is held.
func (s *session) sendAll() error {
	p := &s.pen
	for {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		select {
		case n := <-s.out:
			if err := s.tell(n); err != nil {
				return err
			}
			p.last = time.Now()
			continue
		default:
		}
		t, place, f := s.next()
		if f == nil {
			if len(s.out) > 0 {
				continue
			}
			return nil
		}
		p.header = appendHeader(p.header[:0], t.camera, t.rendition, f)
		err := s.show(p.header, f.JPEG)
		if err == nil {
			place.Sent(f, len(p.header)+len(f.JPEG))
		}
		s.release()
		if err != nil {
			return err
		}
		p.last = time.Now()
	}
}

// release lets go of the place whose picture has been sent.
func (s *session) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.late != nil {
		s.late()
	}
	s.busy, s.late = nil, nil
}

// next returns the next picture to send, of the camera whose turn it is among those that have one and may send it.
func (s *session) next() (*tile, Place, *broker.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.out) > 0 { // that a camera is subscribed is said before its pictures
		return nil, nil, nil
	}
	for i, t := range s.turns {
		if t.place == nil || len(t.unseen) >= window {
			continue
		}
		f := t.sub.TryNext()
		if f == nil {
			continue
		}
		t.account()
		if len(t.unseen) == 0 {
			t.since = time.Now()
		}
		t.unseen = append(t.unseen, f.Seq)
		s.busy = t.place
		copy(s.turns[i:], s.turns[i+1:])
		s.turns[len(s.turns)-1] = t // the last to have its turn again
		return t, t.place, f
	}
	return nil, nil, nil
}

// show writes one message: the header, and the picture's bytes, which all viewers share. Between pieces of a large one
// there is room for the answer to a ping.
func (s *session) show(header, jpeg []byte) error {
	w, err := s.conn.Writer(patient, websocket.MessageBinary)
	if err == nil {
		_, err = w.Write(header)
	}
	for len(jpeg) > 0 && err == nil {
		n := min(room, len(jpeg))
		_, err = w.Write(jpeg[:n])
		jpeg = jpeg[n:]
	}
	if err == nil {
		err = w.Close()
	}
	return err
}

func (s *session) tell(n notice) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.conn.Write(patient, websocket.MessageText, text)
}

// patient has no end. A context that has one is watched anew for each piece of a message, which costs as much as the piece;
// closing the connection ends a write, too.
var patient = context.Background()
