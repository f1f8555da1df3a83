package snapshot

import (
	"context"
	"time"

	"camd/pkg/broker"
	"camd/pkg/httpapi/request"
)

// Fetch returns the newest live picture of a camera in a rendition, captured at oldest or later. If there is none, it asks the camera for
// one picture, which may have to be decoded, and waits for it until ctx ends. It returns the newest frame of any kind if none comes: ctx has
// ended, or the state of the rendition says that none will come soon. That frame is mostly a placeholder; it is nil if there is none, or no
// such rendition. Fetch is safe for concurrent use, and several calls share a picture.
func Fetch(ctx context.Context, c request.Camera, rendition string, oldest time.Time) *broker.Frame {
	topic, ok := c.Topic(rendition)
	if !ok {
		return nil
	}
	return fetch(ctx, c, topic, rendition, oldest)
}

// recheckInterval is how often a snapshot that waits looks at the state of its rendition. A placeholder is published before its state.
const recheckInterval = 100 * time.Millisecond

func fetch(ctx context.Context, c request.Camera, topic *broker.Topic, rendition string, oldest time.Time) *broker.Frame {
	if f := topic.Newest(); isLiveSince(f, oldest) {
		return f
	}
	sub := topic.SubscribeEvery(broker.Latest, broker.One)
	defer sub.Close()
	recheck := time.NewTicker(recheckInterval)
	defer recheck.Stop()
	var newest *broker.Frame
	for {
		// Take the channel before TryNext: a Publish that TryNext does not see has yet to close it.
		updated := sub.Updated()
		if f := sub.TryNext(); f != nil {
			newest = f
		}
		if isLiveSince(newest, oldest) || newest != nil && newest.Placeholder && !c.Status().StreamState(rendition).State.ExpectsPictures() {
			return newest
		}
		select {
		case <-updated:
		case <-recheck.C:
		case <-sub.Ended():
			return topic.Newest()
		case <-ctx.Done():
			return topic.Newest()
		}
	}
}

func isLiveSince(f *broker.Frame, oldest time.Time) bool {
	return f != nil && !f.Placeholder && !f.Captured.Before(oldest)
}
