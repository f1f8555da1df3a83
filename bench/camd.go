package main

import (
	"context"
	"errors"
	"net"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/mjpeg"
)

// cameraID is in the address that viewers ask every server for.
const cameraID = "bench"

// synthetic is a camera whose frames the benchmark publishes.
type synthetic struct{ topic *broker.Topic }

func (s synthetic) Status() camera.Status { return camera.Status{ID: cameraID, State: camera.Live} }

func (s synthetic) Topic(rendition string) (*broker.Topic, bool) {
	return s.topic, rendition == camera.Main
}

func (s synthetic) Renditions() []string { return []string{camera.Main} }

// serveCamd serves one synthetic camera by camd's own server.
func serveCamd(ctx context.Context, l net.Listener, p publisher) error {
	topic := broker.NewTopic(cameraID, broker.Options{})
	metrics := httpapi.NewMetrics("bench", "")
	metrics.Camera(cameraID, synthetic{}.Renditions())
	srv := httpapi.New(httpapi.Options{
		Roster: httpapi.Roster{
			Cameras: map[string]httpapi.Camera{cameraID: synthetic{topic}},
			Order:   []string{cameraID},
			Limits:  httpapi.Limits{Viewers: 1 << 20},
			Unsent:  config.DefaultUnsent,
		},
		Metrics: metrics,
	})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	frames := newTemplate(p.size)
	publish := func(seq uint64, due int64) {
		captured := time.Now().Add(time.Duration(due - monotonic()))
		part, picture := mjpeg.Layout(p.size, captured)
		frames.capture(picture, seq, due)
		topic.Publish(broker.Frame{Captured: captured, Part: part, JPEG: picture})
	}
	// The heap gets its size before viewers come, so that theirs can be told from it.
	for range 8 * broker.DefaultDepth {
		publish(0, monotonic())
	}
	published := make(chan error, 1)
	go func() { published <- p.run(ctx, publish) }()
	err := srv.Serve(ctx, l)
	cancel()
	return errors.Join(err, <-published)
}
