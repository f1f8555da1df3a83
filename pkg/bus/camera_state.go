package bus

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/placeholder"
)

const (
	disconnectGrace     = time.Second // without a connection, before viewers are told: most come back sooner
	firstFrameTimeout   = time.Second // for the first picture, before viewers get a placeholder
	placeholderInterval = time.Second // between placeholders, as a local camera repeats them
)

// currentState says how the camera is. down is how long there has been no connection; why is for those who look after camd, not for viewers.
func (c *Camera) currentState(now time.Time, down time.Duration) cameraState {
	state := cameraState{c.info.State, c.info.Reason, c.info.Detail, c.info.Since.Add(c.clockOffset)}
	switch {
	case c.info.State == camera.Paused:
	case down > disconnectGrace:
		state = cameraState{camera.Offline, camera.Unreachable, "no connection to the bus", now}
	case c.silentReason != "" && !c.isReceiving(now):
		state = cameraState{camera.Offline, camera.Unreachable, c.silentReason, now}
	case c.info.State == camera.Live && c.isStalled(now):
		state = cameraState{camera.Stalled, camera.Timeout, "no pictures come over the bus", now}
		if size := c.oversize(); size > 0 {
			state.reason, state.detail = camera.TooLarge, camera.FrameTooLargeDetail(int64(size), int64(c.relay.limits.Bytes))
		}
	}
	if state.state == c.state.state && state.reason == c.state.reason && !c.state.since.IsZero() && state.state != c.info.State {
		state.since = c.state.since
	}
	return state
}

// isReceiving reports whether frames come: then the site is there, whatever became of its words.
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

// oversize returns how many bytes a stream's newest frame has that was too large, 0 if that of none was.
func (c *Camera) oversize() (size int) {
	for _, in := range c.receivers {
		size = max(size, in.oversizeBytes())
	}
	return size
}

// stallTimeout is how long a rendition may have no new frame.
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

// updateState finds how the camera is.
func (c *Camera) updateState(now time.Time, down time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := c.currentState(now, down)
	if state.state != c.state.state || state.reason != c.state.reason {
		for _, in := range c.receivers {
			in.resetPlaceholder()
		}
	}
	c.setState(state)
}

// needsPlaceholder reports whether viewers of any stream are to get a placeholder of this relay's now.
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

// publishPlaceholders gives viewers a placeholder where they have no picture.
func (c *Camera) publishPlaceholders(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.renditions {
		if in := c.receivers[name]; in != nil && c.receiverNeedsPlaceholder(in, now) {
			in.publishPlaceholder(c.placeholder(in), now)
		}
	}
}

// receiverNeedsPlaceholder is lacking of one stream.
func (c *Camera) receiverNeedsPlaceholder(in *receiver, now time.Time) bool {
	if !in.isWatched() || !in.isPlaceholderDue(now) {
		return false
	}
	waited := in.waited(now)
	switch {
	case c.state.state == camera.Live:
		return waited > firstFrameTimeout && in.isWaiting()
	case c.state.reason == camera.Unreachable && c.state.state != c.info.State:
		return true
	case c.state.state == camera.Stalled && c.info.State == camera.Live:
		return waited > c.stallTimeout(in.name)
	}
	// The site draws them itself, once a second.
	return waited > 3*placeholderInterval
}

// placeholder is the placeholder frame of a stream in the camera's present state.
func (c *Camera) placeholder(in *receiver) broker.Frame {
	now := time.Now()
	width, height := c.placeholderSize(in)
	picture := in.placeholderJPEG(func(background []byte) []byte {
		card := placeholder.Options{Width: width, Height: height, MaxBytes: c.relay.limits.Bytes, Background: background, Title: c.info.Title, State: c.state.state,
			Reason: c.state.reason, Since: c.state.since}
		switch card.State {
		case camera.Live:
			card.State, card.Since = camera.Starting, time.Time{}
		case camera.Paused:
			card.Background = nil
		}
		return placeholder.Draw(card)
	})
	part, jpeg := media.NewPart(picture, now)
	return broker.Frame{Captured: now, Width: width, Height: height, Placeholder: true, Part: part, JPEG: jpeg}
}

// placeholderSize is that of a stream's last picture, else the one that is to be expected.
func (c *Camera) placeholderSize(in *receiver) (width, height int) {
	if width, height = in.size(); width == 0 {
		width, height = c.info.Width, c.info.Height
		if width == 0 || height == 0 {
			width, height = 1280, 720
		}
		for _, r := range c.info.Renditions {
			if r.Name == in.name && r.Width > 0 && r.Width < width {
				width, height = r.Width, (height*r.Width/width+1)&^1
			}
		}
	}
	return placeholder.Fit(width, height, c.relay.limits.Pixels)
}
