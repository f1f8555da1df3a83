package source

import (
	"fmt"
	"time"
)

// Alive returns an error that names the camera if the goroutine of Run is blocked: its last heartbeat is older than since.
// It returns nil while Run does not run.
//
// The goroutine records a heartbeat every second, in every state of the camera. A healthy goroutine records none only while it stops a
// capture process: for twice Options.StopGracePeriod, and three seconds more if the process hangs in a driver.
func (c *Camera) Alive(since time.Time) error {
	if last := c.lastHeartbeat.Load(); last != nil && last.Before(since) {
		return fmt.Errorf("camera %s: its supervisor has not responded since %s", c.opts.ID, last.Format(time.TimeOnly))
	}
	return nil
}

// heartbeat records that the goroutine of Run is not blocked. The time keeps its monotonic reading, so a change of the wall clock
// has no effect.
func (c *Camera) heartbeat(now time.Time) { c.lastHeartbeat.Store(&now) }
