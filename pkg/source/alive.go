package source

import (
	"fmt"
	"time"
)

// Alive returns nil if the camera's goroutine has given a heartbeat since then, which it does every second whatever the camera does, or
// if there is none; else an error that names the camera. The longest that it stays away in good health is while it ends a
// process: twice Options.StopGracePeriod, and three seconds where a driver holds the process.
func (c *Camera) Alive(since time.Time) error {
	if last := c.lastHeartbeat.Load(); last != nil && last.Before(since) {
		return fmt.Errorf("camera %s: its supervisor has not come round since %s", c.opts.ID, last.Format(time.TimeOnly))
	}
	return nil
}

// heartbeat notes a sign of life. The time keeps its monotonic reading: nothing is blocked because a clock was set.
func (c *Camera) heartbeat(now time.Time) { c.lastHeartbeat.Store(&now) }
