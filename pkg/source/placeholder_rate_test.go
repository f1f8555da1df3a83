package source

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// A camera that is not live publishes exactly one placeholder a second, however many viewers it has.
func TestPlaceholderIsPublishedOncePerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const watched = 100
		c := New(Options{Camera: options.Camera{ID: "cam", Paused: true, Renditions: smallRenditions, Source: sourceurl.Source{Kind: sourceurl.Test, Size: sourceurl.Size{Width: 320, Height: 180}, FPS: 30}}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); c.Run(ctx) }()
		defer func() { cancel(); <-done }()
		for _, name := range append([]string{camera.Main}, c.Renditions()[1:]...) {
			topic, _ := c.Topic(name)
			for range 3 {
				defer topic.Subscribe(broker.Latest).Close()
			}
			time.Sleep(2 * time.Second) // until it is noticed that somebody watches
			synctest.Wait()
			before := topic.Newest().Seq
			time.Sleep(watched * time.Second)
			synctest.Wait()
			if f := topic.Newest(); !f.Placeholder || f.Seq-before != watched {
				t.Errorf("%s: %d pictures in %d seconds, placeholder %v", name, f.Seq-before, watched, f.Placeholder)
			}
		}
	})
}
