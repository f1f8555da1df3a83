package placeholder

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/media"
)

// Cache holds the placeholder of one topic, so that it is drawn once and not for each frame. The zero value is empty. Assign Cache{} to
// draw it again. A Cache is not safe for concurrent use.
type Cache struct {
	jpeg          []byte
	width, height int
	frames        media.JPEGFrames
}

// Frame returns the placeholder as a frame captured at now. If the cache is empty, it draws the placeholder with the options o. Otherwise
// o has no effect.
func (c *Cache) Frame(o Options, now time.Time) broker.Frame {
	if c.jpeg == nil {
		c.width, c.height = fit(o.Width, o.Height, o.Limits.Pixels)
		c.jpeg = Draw(o)
	}
	part, jpeg := media.NewPart(c.jpeg, now)
	f := c.frames.Frame(part, media.Picture{JPEG: jpeg, Width: c.width, Height: c.height}, now)
	f.Placeholder = true
	return f
}
