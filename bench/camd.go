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
	"camd/pkg/media"
)

// cameraID is the camera in the path that viewers request from every server.
const cameraID = "bench"

// syntheticCamera is a camera whose frames the benchmark publishes: JPEGs, or video.
type syntheticCamera struct{ topic, video *broker.Topic }

func (s syntheticCamera) Status() camera.Status {
	return camera.Status{ID: cameraID, State: camera.Live}
}

func (s syntheticCamera) Topic(rendition string) (*broker.Topic, bool) {
	return s.topic, rendition == camera.Main
}

func (s syntheticCamera) Renditions() []string { return []string{camera.Main} }

// Track implements httpapi.Camera.
func (s syntheticCamera) Track(name string) (*broker.Topic, bool) {
	return s.video, name == "video" && s.video != nil
}

// serveCamd serves one synthetic camera with camd's real server, until ctx ends.
func serveCamd(ctx context.Context, l net.Listener, p publisher) error {
	served, publish := newSyntheticCamera(p)
	srv := httpapi.New(httpapi.Options{
		Config: httpapi.Config{
			Cameras:    map[string]httpapi.Camera{cameraID: served},
			Order:      []string{cameraID},
			Limits:     httpapi.Limits{Viewers: 1 << 20},
			SendBuffer: int(config.Default().SendBuffer),
		},
	})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The heap reaches its size before viewers connect, so that the memory of viewers can be measured separately.
	for range 8 * broker.DefaultDepth {
		publish(0, monotonic())
	}
	published := make(chan error, 1)
	go func() { published <- p.run(ctx, publish) }()
	err := srv.Serve(ctx, l)
	cancel()
	return errors.Join(err, <-published)
}

// newSyntheticCamera returns a camera, and the function that publishes a frame.
func newSyntheticCamera(p publisher) (syntheticCamera, func(seq uint64, due int64)) {
	c := syntheticCamera{topic: broker.NewTopic(cameraID, broker.Options{})}
	if p.key > 0 {
		c.video = broker.NewTopic(cameraID, broker.Options{Depth: 4096, Bytes: 8 << 20, Groups: 2, MaxAge: 30 * time.Second})
		return c, newVideoPublisher(p, c.video)
	}
	frames := newTemplate(p.size)
	var builder media.JPEGFrames
	return c, func(seq uint64, due int64) {
		captured := time.Now().Add(time.Duration(due - monotonic()))
		part, picture := media.AllocatePart(p.size, captured)
		frames.fill(picture, seq, due)
		c.topic.Publish(builder.Frame(part, media.Picture{JPEG: picture}, captured))
	}
}
