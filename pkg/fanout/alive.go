package fanout

import (
	"fmt"
	"time"
)

// Alive returns an error that names the topic of a sender if that sender is blocked: its last heartbeat is older than since. A sender
// records a heartbeat at least every Options.RepeatAfter, and once for each frame.
func (f *Fanout) Alive(since time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t, senders := range f.senders {
		for _, s := range senders {
			if last := f.created.Add(time.Duration(s.lastHeartbeat.Load())); last.Before(since) {
				return fmt.Errorf("stream %s: its sender has not responded since %s", t.Name(), last.Format(time.TimeOnly))
			}
		}
	}
	return nil
}

// heartbeat records that the sender is not blocked.
func (s *sender) heartbeat() {
	s.lastHeartbeat.Store(int64(time.Since(s.created)))
}
