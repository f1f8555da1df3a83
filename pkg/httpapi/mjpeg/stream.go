// Package mjpeg serves cameras as MJPEG streams. A stream is one multipart response that never ends.
//
// Package fanout serves all viewers on plain connections, and writes the same shared bytes to each. A viewer on an encrypted or
// multiplexed connection has a goroutine of its own. A viewer that cannot keep up skips frames.
package mjpeg

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/media"
)

// RepeatAfter is how long a viewer waits for a new frame before it gets the last one again. Some browsers show a part only when the next
// one begins. At low rates they would always show the second newest picture.
const RepeatAfter = 500 * time.Millisecond

// MaxFPS bounds ?fps=; no camera is faster.
const MaxFPS = 1000

// Options of a server. All are required but DrainTimeout.
type Options struct {
	Viewers      *viewers.Registry
	Stopping     func() bool // reports whether camd stops
	Log          *zap.Logger
	DrainTimeout time.Duration // how long Close lets viewers finish the frame that they are taking; 0 leaves it to fanout
}

// Server serves streams. Its methods are safe for concurrent use.
type Server struct {
	opts   Options
	fanout *fanout.Fanout
}

// New returns a server without viewers. Close ends what it starts.
func New(o Options) *Server {
	return &Server{o, fanout.New(fanout.Options{RepeatAfter: RepeatAfter, DrainTimeout: o.DrainTimeout, ObserveAges: o.Viewers.ObserveFrameAges})}
}

// Alive returns nil if all goroutines that send frames to many viewers have made progress since then. Otherwise it returns an error that
// names one of them.
func (s *Server) Alive(since time.Time) error { return s.fanout.Alive(since) }

// Close ends the streams on plain connections at the end of their frame. The others end with the context of their request.
func (s *Server) Close() { s.fanout.Close() }

// Variant is how a response differs from the default, for clients of other programs. The zero Variant is the default response.
type Variant struct {
	// Prepare adds headers, and may give the viewer a client key, before the viewer joins. nil does nothing.
	Prepare func(http.Header, *viewers.Viewer)
}

// Serve serves MJPEG until the viewer leaves.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, target request.Target) {
	s.ServeVariant(w, r, target, Variant{})
}

// ServeVariant is [Server.Serve] with another response.
func (s *Server) ServeVariant(w http.ResponseWriter, r *http.Request, target request.Target, variant Variant) {
	rendition, fps, bad := streamQuery(r, target)
	if bad != nil {
		bad.Fail(w, r)
		return
	}
	topic, bad := target.Topic(rendition)
	if bad != nil { // a reload has just removed it
		bad.Fail(w, r)
		return
	}
	setStreamHeaders(w, r)
	if r.Method == http.MethodHead {
		return
	}
	viewer := viewers.New(viewers.Key{Camera: target.ID, Rendition: rendition, Transport: request.Transport(r)}, r, fps > 0)
	if variant.Prepare != nil {
		variant.Prepare(w.Header(), viewer)
	}
	s.serve(w, r, viewer, target.Limits.SendBuffer, &fanout.Viewer{
		Topic: topic, Filter: newFrameFilter(fps, target.Limits.BytesPerSecond), Counts: &viewer.Counts, WriteTimeout: target.Limits.WriteTimeout,
	})
}

// serve admits the viewer and sends it frames: from the fan-out on a plain connection, and from this goroutine on any other.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, viewer *viewers.Viewer, sendBuffer int, stream *fanout.Viewer) {
	conn := request.Conn(r)
	plainConn, ok := conn.(fanout.Conn)
	canHijack := ok && r.ProtoMajor == 1 && r.TLS == nil
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if viewer.Disconnect = cancel; canHijack {
		viewer.Disconnect = shutdownConn(conn)
	}
	if err := s.opts.Viewers.Add(viewer, stream.Topic); err != nil {
		clear(w.Header())
		w.Header().Set("Retry-After", "10")
		request.Fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	viewers.SetSocketOptions(conn, sendBuffer)
	if canHijack {
		s.hijack(w, r, plainConn, stream, viewer)
		return
	}
	sub := stream.Topic.Subscribe(broker.Latest)
	defer sub.Close()
	p := &streamWriter{
		Viewer: viewer, sub: sub, filter: stream.Filter, response: &responseConn{w, http.NewResponseController(w)},
		timeout: stream.WriteTimeout,
	}
	s.opts.Viewers.Remove(viewer, streamCutReason(r.Context(), p.run(ctx), s.opts.Stopping))
}

// streamQuery reads ?rendition= and ?fps=.
func streamQuery(r *http.Request, target request.Target) (rendition string, fps float64, bad *request.Error) {
	rendition, bad = target.Rendition(r)
	if bad != nil {
		return "", 0, bad
	}
	value := r.FormValue("fps")
	if value == "" {
		return rendition, 0, nil
	}
	var err error
	fps, err = strconv.ParseFloat(value, 64)
	if err != nil || !(fps > 0 && fps <= MaxFPS) {
		return "", 0, request.Errorf(http.StatusBadRequest, "fps=%q must be a number above 0 and at most %d, such as fps=5", value, MaxFPS)
	}
	return rendition, fps, nil
}

// setStreamHeaders sets the headers of a stream that ends with its connection and that nothing may cache.
func setStreamHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", media.ContentType)
	request.DisableCaching(h)
	h.Set("X-Accel-Buffering", "no") // nginx would collect frames
	if r.ProtoMajor == 1 {
		// Without chunks, so that a frame's bytes go to the socket as they are. On HTTP/2 the header would end the session.
		h.Set("Transfer-Encoding", "identity")
		h.Set("Connection", "close")
	}
}
