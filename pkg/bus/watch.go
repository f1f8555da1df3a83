package bus

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/mjpeg"
	"camd/pkg/source/placeholder"
)

const (
	grace   = time.Second // without a connection, before viewers are told: most come back sooner
	patient = time.Second // for the first picture, before viewers get a placeholder
	again   = time.Second // between placeholders, as a local camera repeats them
)

// find says how the camera is. down is how long there has been no connection; why is for those who look after camd, not for viewers.
func (c *Camera) find(now time.Time, down time.Duration) condition {
	state := condition{c.told.State, c.told.Reason, c.told.Detail, c.told.Since.Add(c.ahead)}
	switch {
	case c.told.State == camera.Paused:
	case down > grace:
		state = condition{camera.Offline, camera.Unreachable, "no connection to the bus", now}
	case c.silent != "" && !c.flows(now):
		state = condition{camera.Offline, camera.Unreachable, c.silent, now}
	case c.told.State == camera.Live && c.dry(now):
		state = condition{camera.Stalled, camera.Timeout, "no pictures come over the bus", now}
		if size := c.oversize(); size > 0 {
			state.reason, state.detail = camera.TooLarge, camera.ExceedsFrameBytes(int64(size), int64(c.relay.limits.Bytes))
		}
	}
	if state.state == c.state.state && state.reason == c.state.reason && !c.state.since.IsZero() && state.state != c.told.State {
		state.since = c.state.since
	}
	return state
}

// flows reports whether frames come: then the site is there, whatever became of its words.
func (c *Camera) flows(now time.Time) bool {
	for _, in := range c.inlets {
		if in.age(now) < 2*time.Second {
			return true
		}
	}
	return false
}

// dry reports whether a stream that is watched has had no frame for too long.
func (c *Camera) dry(now time.Time) bool {
	for _, in := range c.inlets {
		if in.isWatched() && in.waited(now) > c.stall(in.name) {
			return true
		}
	}
	return false
}

// oversize returns how many bytes a stream's newest frame has that was too large, 0 if that of none was.
func (c *Camera) oversize() (size int) {
	for _, in := range c.inlets {
		size = max(size, in.tooLarge())
	}
	return size
}

// stall is how long a rendition may have no new frame.
func (c *Camera) stall(rendition string) time.Duration {
	fps := c.told.FPS
	for _, r := range c.told.Renditions {
		if r.Name == rendition && r.FPS > 0 {
			fps = min(fps, r.FPS)
		}
	}
	if fps <= 0 {
		return 10 * time.Second
	}
	return min(max(time.Duration(4/fps*float64(time.Second)), 2*time.Second), time.Minute)
}

// judge finds how the camera is.
func (c *Camera) judge(now time.Time, down time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := c.find(now, down)
	if state.state != c.state.state || state.reason != c.state.reason {
		for _, in := range c.inlets {
			in.undraw()
		}
	}
	c.enter(state)
}

// lacking reports whether viewers of any stream are to get a placeholder of this relay's now.
func (c *Camera) lacking(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, in := range c.inlets {
		if c.lacks(in, now) {
			return true
		}
	}
	return false
}

// fill gives viewers a placeholder where they have no picture.
func (c *Camera) fill(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.names {
		if in := c.inlets[name]; in != nil && c.lacks(in, now) {
			in.show(c.card(in), now)
		}
	}
}

// lacks is lacking of one stream.
func (c *Camera) lacks(in *inlet, now time.Time) bool {
	if !in.isWatched() || !in.due(now) {
		return false
	}
	waited := in.waited(now)
	switch {
	case c.state.state == camera.Live:
		return waited > patient && in.isNeedy()
	case c.state.reason == camera.Unreachable && c.state.state != c.told.State:
		return true
	case c.state.state == camera.Stalled && c.told.State == camera.Live:
		return waited > c.stall(in.name)
	}
	// The site draws them itself, once a second.
	return waited > 3*again
}

// card is the placeholder of a stream as the camera is now.
func (c *Camera) card(in *inlet) broker.Frame {
	now := time.Now()
	width, height := c.size(in)
	picture := in.drawn(func(background []byte) []byte {
		card := placeholder.Card{Width: width, Height: height, Bytes: c.relay.limits.Bytes, Background: background, Title: c.told.Title, State: c.state.state,
			Reason: c.state.reason, Since: c.state.since}
		switch card.State {
		case camera.Live:
			card.State, card.Since = camera.Starting, time.Time{}
		case camera.Paused:
			card.Background = nil
		}
		return placeholder.Draw(card)
	})
	part, jpeg := mjpeg.NewPart(picture, now)
	return broker.Frame{Captured: now, Width: width, Height: height, Placeholder: true, Part: part, JPEG: jpeg}
}

// size is that of a stream's last picture, else the one that is to be expected.
func (c *Camera) size(in *inlet) (width, height int) {
	if width, height = in.size(); width == 0 {
		width, height = c.told.Width, c.told.Height
		if width == 0 || height == 0 {
			width, height = 1280, 720
		}
		for _, r := range c.told.Renditions {
			if r.Name == in.name && r.Width > 0 && r.Width < width {
				width, height = r.Width, (height*r.Width/width+1)&^1
			}
		}
	}
	return placeholder.Fit(width, height, c.relay.limits.Pixels)
}
