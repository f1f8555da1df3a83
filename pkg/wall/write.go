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
	quiet := time.NewTimer(s.opts.AliveEvery)
	defer quiet.Stop()
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
			case <-quiet.C:
				if err := s.tell(notice{Type: "alive"}); err != nil {
					return err
				}
				quiet.Reset(s.opts.AliveEvery)
			case <-s.ctx.Done():
				return s.ctx.Err()
			}
			continue
		}
		quiet.Reset(s.opts.AliveEvery)
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
		if len(t.unseen) == 0 {
			t.since = time.Now()
		}
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

// ping finds a client that is gone without a word, and one that is there and shows nothing.
func (s *session) ping() {
	tick, look := time.NewTicker(pingEvery), time.NewTicker(s.opts.AckWithin/4)
	defer tick.Stop()
	defer look.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-look.C:
			if id, ok := s.unseen(); ok {
				_ = s.conn.Close(websocket.StatusPolicyViolation, "no acknowledgement for camera "+id) // waits for its answer
				return
			}
		case <-tick.C:
			ctx, cancel := context.WithTimeout(s.ctx, pongWithin)
			err := s.conn.Ping(ctx)
			cancel()
			if err != nil {
				return
			}
		}
	}
}

// unseen returns a camera of which a picture has gone unacknowledged for too long. The client is cut then: it would hold
// its places without being shown anything.
func (s *session) unseen() (camera string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.turns {
		if t.place != nil && len(t.unseen) > 0 && time.Since(t.since) > s.opts.AckWithin {
			s.idle = true
			return t.camera, true
		}
	}
	return "", false
}
