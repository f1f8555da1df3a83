package wall

import (
	"context"
	"time"

	"github.com/coder/websocket"
)

// watchLiveness ends the session of a client that answers no pings, or acknowledges no frames.
func (s *session) watchLiveness() {
	pings, ackCheck := time.NewTicker(pingInterval), time.NewTicker(s.opts.AckTimeout/4)
	defer pings.Stop()
	defer ackCheck.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ackCheck.C:
			if id, ok := s.overdueAck(); ok {
				_ = s.conn.Close(websocket.StatusPolicyViolation, "no acknowledgement for camera "+id) // waits for the client's answer
				return
			}
		case <-pings.C:
			if !s.isResponsive() {
				return
			}
		}
	}
}

// isResponsive reports whether the client answers. It counts as responsive while it takes a message, which the write timeout bounds. A
// ping waits behind that message, and on a slow link its answer may, too.
func (s *session) isResponsive() bool {
	if !s.writer.mu.TryLock() {
		return true
	}
	s.writer.mu.Unlock()
	before := s.conn.progress.slowWrites.Load()
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.pongTimeout)
	defer cancel()
	return s.conn.Ping(ctx) == nil || s.conn.progress.slowWrites.Load() != before
}

// overdueAck returns a camera with a picture that has been unacknowledged for too long. The client is then disconnected: it would hold
// its streams without showing anything.
func (s *session) overdueAck() (camera string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.roundRobin {
		if t.stream != nil && len(t.unacked) > 0 && time.Since(t.unackedSince) > s.opts.AckTimeout {
			s.ackTimedOut = true
			return t.camera, true
		}
	}
	return "", false
}
