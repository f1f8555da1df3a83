package mqtt

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"camd/pkg/camera"
	"camd/pkg/notify"
)

// pictureTimeout bounds how long a camera has to deliver a picture.
const pictureTimeout = 10 * time.Second

// picture is what the broker should hold as the snapshot of a camera. Only the goroutine of publishChanges uses it.
type picture struct {
	jpeg       []byte
	stateSince time.Time // StateChange.Since of the state that jpeg shows
	isStale    bool      // the camera has failed or was turned off since

	requested time.Time // when the newest request began
	isPending bool      // it has not ended
}

// answer is what a request for a picture returned.
type answer struct {
	to       *picture
	camera   notify.Camera
	state    camera.StateChange // of the camera when the request began
	received notify.Picture
}

// requestPictures requests a picture of each camera whose last request is Options.Snapshots ago or whose state has changed. The picture of a
// camera that was turned off or failed must show that, so changes of state come at once. The others are spread over the time between two
// pictures of a camera, so that few are decoded at once. Without a connection nobody needs them.
func (c *Client) requestPictures(ctx context.Context, cameras []notify.Camera, now time.Time) {
	present := map[string]bool{}
	var due []answer
	for _, cam := range cameras {
		present[cam.ID] = true
		history := cam.History()
		if len(history) == 0 {
			continue // the camera has not started
		}
		p := c.pictures[cam.ID]
		if p == nil {
			p = &picture{}
			c.pictures[cam.ID] = p
		}
		hasChanged := !p.requested.IsZero() && !p.stateSince.Equal(history[0].Since)
		p.isStale = hasChanged && !history[0].State.ExpectsPictures()
		switch {
		case p.isPending:
		case hasChanged:
			c.requestPicture(ctx, answer{to: p, camera: cam, state: history[0]}, now)
		case now.Sub(p.requested) >= c.opts.Snapshots-notify.PollInterval/2 && c.connection.up():
			due = append(due, answer{to: p, camera: cam, state: history[0]})
		}
	}
	maps.DeleteFunc(c.pictures, func(id string, _ *picture) bool { return !present[id] })
	slices.SortStableFunc(due, func(a, b answer) int { return a.to.requested.Compare(b.to.requested) })
	perPoll := math.Ceil(float64(len(cameras)) * float64(notify.PollInterval) / float64(c.opts.Snapshots))
	for _, a := range due[:min(len(due), int(perPoll))] {
		c.requestPicture(ctx, a, now)
	}
}

// requestPicture starts a goroutine that sends to answers within pictureTimeout, or ends with ctx.
func (c *Client) requestPicture(ctx context.Context, a answer, now time.Time) {
	a.to.requested, a.to.isPending = now, true
	c.requests.Go(func() {
		limited, cancel := context.WithTimeout(ctx, pictureTimeout)
		defer cancel()
		a.received = a.camera.Picture(limited)
		select {
		case c.answers <- a:
		case <-ctx.Done():
		}
	})
}

// keepPicture takes over the answer to a request. If it does not fit the state of the camera, the next call of requestPictures requests
// another one, because stateSince is not that of the state.
func (c *Client) keepPicture(a answer) {
	p, got, now := a.to, a.received, a.state
	p.isPending = false
	if history := a.camera.History(); len(history) > 0 {
		now = history[0]
	}
	switch {
	case now.State.ExpectsPictures() && len(got.JPEG) == 0: // keep the last one until the next is due
		p.stateSince = a.state.Since
	case now.State.ExpectsPictures() || got.Placeholder:
		p.jpeg, p.isStale, p.stateSince = got.JPEG, false, a.state.Since
		if !got.Placeholder && now.State == camera.Live { // it also shows a state that came in the meantime
			p.stateSince = now.Since
		}
	case len(got.JPEG) == 0: // nothing shows that the camera was turned off or failed
		p.jpeg, p.isStale = nil, false
	}
}

// pictureMessages returns the pictures that the broker should hold.
func (c *Client) pictureMessages() (all []message) {
	for _, id := range slices.Sorted(maps.Keys(c.pictures)) {
		if p := c.pictures[id]; len(p.jpeg) > 0 {
			all = append(all, message{c.cameraTopic(id, "snapshot"), p.jpeg, p.isStale})
		}
	}
	return all
}
