package bus

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/placeholder"
)

const (
	offlineDelay        = time.Second // how long the bus may be down before cameras are offline: most connections are back sooner
	firstFrameTimeout   = time.Second // how long viewers wait for the first picture before they get a placeholder
	placeholderInterval = time.Second // between placeholders, as for a local camera
)

// currentState returns the state that viewers here see. down is how long there has been no connection.
func (c *Camera) currentState(now time.Time, down time.Duration) camera.StateChange {
	state := camera.StateChange{State: c.info.State, Reason: c.info.Reason, Detail: c.info.Detail, Since: c.info.Since.Add(c.clockOffset)}
	switch {
	case c.info.State == camera.Paused:
	case down > offlineDelay:
		state = camera.StateChange{State: camera.Offline, Reason: camera.Unreachable, Detail: "no connection to the bus", Since: now}
	case c.silentReason != "" && !c.isReceiving(now):
		state = camera.StateChange{State: camera.Offline, Reason: camera.Unreachable, Detail: c.silentReason, Since: now}
	case c.info.State == camera.Live && c.isStalled(now):
		state = camera.StateChange{State: camera.Stalled, Reason: camera.Timeout, Detail: "no pictures arrive over the bus", Since: now}
		if size := c.oversize(); size > 0 {
			state.Reason, state.Detail = camera.TooLarge, camera.FrameTooLargeDetail(int64(size), int64(c.relay.limits.Bytes))
		}
	}
	if state.State == c.state.State && state.Reason == c.state.Reason && !c.state.Since.IsZero() && state.State != c.info.State {
		state.Since = c.state.Since
	}
	return state
}

// isReceiving reports whether frames arrive. If so, the site is reachable even if its announcements are missing.
func (c *Camera) isReceiving(now time.Time) bool {
	for _, in := range c.receivers {
		if in.age(now) < 2*time.Second {
			return true
		}
	}
	return false
}

// isStalled reports whether a stream that is watched has had no frame for too long.
func (c *Camera) isStalled(now time.Time) bool {
	for _, in := range c.receivers {
		if in.isWatched() && in.waited(now) > c.stallTimeout(in.name) {
			return true
		}
	}
	return false
}

// oversize returns the size in bytes of a stream's newest frame if that frame was too large, and 0 if no stream has one.
func (c *Camera) oversize() (size int) {
	for _, in := range c.receivers {
		size = max(size, in.oversizeBytes())
	}
	return size
}

// stallTimeout returns how long a rendition may have no new frame before it counts as stalled.
func (c *Camera) stallTimeout(rendition string) time.Duration {
	fps := c.info.FPS
	for _, r := range c.info.Renditions {
		if r.Name == rendition && r.FPS > 0 {
			fps = min(fps, r.FPS)
		}
	}
	if fps <= 0 {
		return 10 * time.Second
	}
	return min(max(time.Duration(4/fps*float64(time.Second)), 2*time.Second), time.Minute)
}

// updateState updates the state that viewers see. down is how long there has been no connection.
func (c *Camera) updateState(now time.Time, down time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setState(c.currentState(now, down))
}

// needsPlaceholder reports whether this relay must publish a placeholder on any stream now.
func (c *Camera) needsPlaceholder(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, in := range c.receivers {
		if c.receiverNeedsPlaceholder(in, now) {
			return true
		}
	}
	return false
}

// publishPlaceholders publishes a placeholder on each stream that needs one.
func (c *Camera) publishPlaceholders(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.renditions {
		if in := c.receivers[name]; in != nil && c.receiverNeedsPlaceholder(in, now) {
			in.publishPlaceholder(c.placeholder(in), now)
		}
	}
}

// receiverNeedsPlaceholder reports whether this relay must publish a placeholder on one stream now.
func (c *Camera) receiverNeedsPlaceholder(in *receiver, now time.Time) bool {
	if !in.isWatched() || !in.isPlaceholderDue(now) {
		return false
	}
	waited := in.waited(now)
	switch {
	case c.state.State == camera.Live:
		return waited > firstFrameTimeout && in.isWaiting()
	case c.state.Reason == camera.Unreachable && c.state.State != c.info.State:
		return true
	case c.state.State == camera.Stalled && c.info.State == camera.Live:
		return waited > c.stallTimeout(in.name)
	}
	// The site sends its own placeholders, once a second.
	return waited > 3*placeholderInterval
}

// placeholder returns a placeholder frame for a stream, which shows the camera's present state.
func (c *Camera) placeholder(in *receiver) broker.Frame {
	width, height := c.expectedSize(in)
	o := placeholder.Options{
		Width: width, Height: height, Limits: c.relay.limits,
		Title: c.info.Title, State: c.state.State, Reason: c.state.Reason, Since: c.state.Since,
	}
	if o.State == camera.Live {
		o.State, o.Since = camera.Starting, time.Time{}
	}
	return in.placeholderFrame(o, time.Now())
}

// expectedSize returns the size of a stream's last picture. Before the first picture it is the size that the site announces.
func (c *Camera) expectedSize(in *receiver) (width, height int) {
	if width, height = in.size(); width > 0 {
		return width, height
	}
	width, height = c.info.Width, c.info.Height
	if width == 0 || height == 0 {
		width, height = placeholder.DefaultWidth, placeholder.DefaultHeight
	}
	for _, r := range c.info.Renditions {
		if r.Name == in.name {
			return camera.Rendition{Width: r.Width}.Size(width, height)
		}
	}
	return width, height
}
