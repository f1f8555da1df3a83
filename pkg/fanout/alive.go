package fanout

import (
	"fmt"
	"time"
)

// Alive returns nil if every sender has come round since then, which each does at least every Options.RepeatAfter; else an
// error that names the topic of one that has not.
func (f *Fanout) Alive(since time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t, senders := range f.senders {
		for _, s := range senders {
			if last := f.made.Add(time.Duration(s.came.Load())); last.Before(since) {
				return fmt.Errorf("stream %s: its sender has not come round since %s", t.Name(), last.Format(time.TimeOnly))
			}
		}
	}
	return nil
}

// comesRound notes a sign of life, once a frame and not once a viewer.
func (s *sender) comesRound() {
	s.came.Store(int64(time.Since(s.made)))
}
