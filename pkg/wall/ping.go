package wall

import (
	"context"
	"time"

	"github.com/coder/websocket"
)

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
			if !s.answers() {
				return
			}
		}
	}
}

// answers reports whether the client is there. It is while it takes a message that is being written, which the write timeout
// watches: a ping waits behind that, and so may its answer on a slow link.
func (s *session) answers() bool {
	if !s.pen.mu.TryLock() {
		return true
	}
	s.pen.mu.Unlock()
	moved := s.conn.flow.moved.Load()
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.pongWithin)
	defer cancel()
	return s.conn.Ping(ctx) == nil || s.conn.flow.moved.Load() != moved
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
