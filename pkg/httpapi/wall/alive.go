package wall

import (
	"context"
	"time"
)

// pingInterval is the time between pings.
const pingInterval = 20 * time.Second

// watchLiveness returns when the client answers no pings, or the session ends.
func (s *session) watchLiveness() {
	pings := time.NewTicker(pingInterval)
	defer pings.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
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
	if s.conn.batch.isBusy() {
		return true
	}
	before := s.conn.batch.slowWrites.Load()
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.pongTimeout)
	defer cancel()
	return s.conn.Ping(ctx) == nil || s.conn.batch.isBusy() || s.conn.batch.slowWrites.Load() != before
}
