package wall

import (
	"context"
	"encoding/json"
	"time"

	"github.com/coder/websocket"

	"camd/pkg/broker"
)

// write sends notices and pictures until it cannot.
func (s *session) write() error {
	if err := s.tell(notice{Type: "hello", Version: Version}); err != nil {
		return err
	}
	var header []byte
	for {
		select {
		case n := <-s.out:
			if err := s.tell(n); err != nil {
				return err
			}
			continue
		default:
		}
		t, place, f := s.next()
		if f == nil {
			select {
			case n := <-s.out:
				if err := s.tell(n); err != nil {
					return err
				}
			case <-s.wake:
			case <-s.ctx.Done():
				return s.ctx.Err()
			}
			continue
		}
		header = appendHeader(header[:0], t.camera, t.rendition, f)
		err := s.send(header, f.JPEG)
		if err == nil {
			place.Sent(f, len(header)+len(f.JPEG))
		}
		s.release()
		if err != nil {
			return err
		}
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
	for i, t := range s.turns {
		if t.place == nil || len(t.unseen) >= window {
			continue
		}
		f := t.sub.TryNext()
		if f == nil {
			continue
		}
		t.account()
		t.unseen = append(t.unseen, f.Seq)
		s.busy = t.place
		s.turns = append(append(s.turns[:i:i], s.turns[i+1:]...), t) // the last to have its turn again
		return t, t.place, f
	}
	return nil, nil, nil
}

// send writes one message of two pieces. The picture's bytes are those that all viewers share.
func (s *session) send(header, jpeg []byte) error {
	return s.within(func(ctx context.Context) error {
		w, err := s.conn.Writer(ctx, websocket.MessageBinary)
		if err != nil {
			return err
		}
		if _, err = w.Write(header); err == nil {
			_, err = w.Write(jpeg)
		}
		if err != nil {
			return err
		}
		return w.Close()
	})
}

func (s *session) tell(n notice) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.within(func(ctx context.Context) error { return s.conn.Write(ctx, websocket.MessageText, text) })
}

// within gives a write its time.
func (s *session) within(write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.WriteTimeout)
	defer cancel()
	err := write(ctx)
	if err != nil && ctx.Err() == context.DeadlineExceeded {
		return errStalled
	}
	return err
}

// ping finds a client that is gone without a word.
func (s *session) ping() {
	for tick := time.NewTicker(pingEvery); ; {
		select {
		case <-s.ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(s.ctx, pongWithin)
		err := s.conn.Ping(ctx)
		cancel()
		if err != nil {
			tick.Stop()
			return
		}
	}
}
