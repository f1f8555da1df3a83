// Package mp4 serves the video of cameras as they send it: H.264 or H.265, as a fragmented MP4 file (ISO/IEC 14496-12) that never ends.
package mp4

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/streaming"
	"camd/pkg/httpapi/viewers"
)

// Names of tracks, for ?track=.
const (
	trackVideo = "video"
	trackSub   = "sub"
)

// contentType is that of a stream before its codec is known.
const contentType = "video/mp4"

// firstFrameTimeout is how long a viewer waits for the first frame of a camera that starts.
const firstFrameTimeout = 10 * time.Second

// openedInterval is how often a viewer that waits looks whether the camera sends video at all.
const openedInterval = 500 * time.Millisecond

// Server serves MP4 streams. Its methods are safe for concurrent use.
type Server struct {
	streams           *streaming.Server
	firstFrameTimeout time.Duration
}

// New returns a server that sends its streams by streams.
func New(streams *streaming.Server) *Server { return &Server{streams, firstFrameTimeout} }

// Serve serves MP4 until the viewer leaves.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, target request.Target) {
	name := cmp.Or(r.FormValue("track"), trackVideo)
	if name != trackVideo && name != trackSub {
		request.Fail(w, r, http.StatusBadRequest, fmt.Sprintf("track=%q must be %s or %s", name, trackVideo, trackSub))
		return
	}
	topic, ok := target.Camera.Track(name)
	if !ok || name == trackVideo && topic.Newest() == nil && target.Camera.Status().SendsPictures() {
		noTrack(target, name).Fail(w, r)
		return
	}
	streaming.SetHeaders(w, r, contentTypeOf(topic.Newest()))
	if r.Method != http.MethodHead {
		s.stream(w, r, target, name, topic)
	}
}

// stream sends a track until the viewer leaves.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, target request.Target, name string, topic *broker.Topic) {
	viewer := viewers.New(viewers.Key{Camera: target.ID, Rendition: name, Transport: request.Transport(r)}, r, false)
	stream := &fanout.Viewer{
		Topic: topic, Filter: streaming.NewVideoFilter(target.Limits.BytesPerSecond), Counts: &viewer.Counts, WriteTimeout: target.Limits.WriteTimeout,
	}
	closeDemand := func() {}
	defer func() { closeDemand() }()
	ready := func(ctx context.Context) *request.Error {
		demand := topic.Subscribe(broker.Decodable) // starts a camera that waits for viewers; kept until the stream has its own subscription
		closeDemand = demand.Close
		newest, bad := s.firstFrame(ctx, topic, demand, target, name)
		if bad != nil {
			return bad
		}
		if len(newest.Format.Init) == 0 {
			return noTrack(target, name)
		}
		w.Header().Set("Content-Type", contentTypeOf(newest))
		stream.Muxer = newTimeline(newest)
		return nil
	}
	s.streams.Serve(w, r, streaming.Response{Viewer: viewer, Stream: stream, SendBuffer: target.Limits.SendBuffer, Ready: ready})
}

// firstFrame returns the newest frame of a topic, and waits for it if there is none and one may come.
func (s *Server) firstFrame(ctx context.Context, topic *broker.Topic, sub *broker.Subscription, target request.Target, name string) (*broker.Frame, *request.Error) {
	timeout, opened := time.NewTimer(s.firstFrameTimeout), time.NewTicker(openedInterval)
	defer timeout.Stop()
	defer opened.Stop()
	for {
		updated := sub.Updated() // before Newest: then a frame that Newest does not see is yet to close the channel
		if f := topic.Newest(); f != nil {
			return f, nil
		}
		if name == trackVideo && target.Camera.Status().SendsPictures() {
			return nil, noTrack(target, name)
		}
		select {
		case <-updated:
		case <-opened.C:
		case <-sub.Ended():
			return nil, request.Errorf(http.StatusNotFound, "camera %q no longer has this stream", target.ID)
		case <-ctx.Done():
			return nil, request.Errorf(http.StatusServiceUnavailable, "the connection was closed")
		case <-timeout.C:
			return nil, request.Errorf(http.StatusServiceUnavailable, "camera %q sends no video now (%s): try again later", target.ID, state(target.Camera.Status()))
		}
	}
}

// state returns a camera's state for an error.
func state(s camera.Status) string {
	if s.Reason == "" {
		return string(s.State)
	}
	return string(s.State) + ", " + string(s.Reason)
}

// noTrack is the error for a track that the camera does not have.
func noTrack(target request.Target, name string) *request.Error {
	if name == trackSub {
		return request.Errorf(http.StatusNotFound, "camera %q has no track sub: set substream for it in the configuration, or leave out track=sub", target.ID)
	}
	return request.Errorf(http.StatusNotFound, "camera %q sends no H.264 or H.265 video: open /cameras/%s/stream.mjpg instead", target.ID, target.ID)
}

// contentTypeOf returns the content type of a stream that begins with a frame, which may be nil (RFC 6381, section 3).
func contentTypeOf(f *broker.Frame) string {
	if f == nil || f.Format.CodecString == "" {
		return contentType
	}
	return contentType + `; codecs="` + f.Format.CodecString + `"`
}
