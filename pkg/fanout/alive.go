package fanout

import (
	"fmt"
	"time"
)

// Alive returns nil if every sender has completed a loop since then, which takes at most Options.RepeatAfter; else an
// error that names the topic of one that has not.
func (f *Fanout) Alive(since time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t, senders := range f.senders {
		for _, s := range senders {
			if last := f.created.Add(time.Duration(s.lastHeartbeat.Load())); last.Before(since) {
				return fmt.Errorf("stream %s: its sender has not come round since %s", t.Name(), last.Format(time.TimeOnly))
			}
		}
	}
	return nil
}

// heartbeat records that the sender is alive, once a frame and not once a viewer.
func (s *sender) heartbeat() {
	s.lastHeartbeat.Store(int64(time.Since(s.created)))
}
