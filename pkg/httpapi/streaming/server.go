package streaming

import (
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"

	"camd/pkg/fanout"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
)

// RepeatAfter is how long a viewer of pictures waits for a new frame before it gets the last one again. Some browsers show a part only when
// the next one begins. At low rates they would always show the second newest picture.
const RepeatAfter = 500 * time.Millisecond

// Options of a server. All are required but DrainTimeout.
type Options struct {
	Viewers      *viewers.Registry
	Stopping     func() bool // reports whether camd stops
	Log          *zap.Logger
	DrainTimeout time.Duration // how long Close lets viewers finish the frame that they are taking; 0 leaves it to fanout
}

// Server sends streams. Its methods are safe for concurrent use.
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

// Response is a stream for one viewer. All but Preamble and Ready are required.
type Response struct {
	Viewer     *viewers.Viewer
	Stream     *fanout.Viewer // without Conn and OnClose
	SendBuffer int            // see viewers.SetSocketOptions
	Preamble   string         // what comes before the first frame

	// Ready waits until the stream can begin, or returns why it cannot. It is called after the viewer is admitted, so waiting viewers
	// count. It may complete Stream and the headers. ctx ends when the viewer is disconnected.
	Ready func(ctx context.Context) *request.Error
}

// Serve admits the viewer and sends it frames: from the fan-out on a plain connection, and from this goroutine on any other. The
// headers must be set, see SetHeaders.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, resp Response) {
	conn, viewer := request.Conn(r), resp.Viewer
	plainConn, ok := conn.(fanout.Conn)
	canHijack := ok && r.ProtoMajor == 1 && r.TLS == nil
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if viewer.Disconnect = cancel; canHijack {
		viewer.Disconnect = shutdownConn(conn)
	}
	if err := s.opts.Viewers.Add(viewer, resp.Stream.Topic); err != nil {
		clear(w.Header())
		w.Header().Set("Retry-After", "10")
		request.Fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	if resp.Ready != nil {
		if bad := resp.Ready(ctx); bad != nil {
			s.opts.Viewers.Remove(viewer, "")
			clear(w.Header())
			bad.Fail(w, r)
			return
		}
	}
	viewers.SetSocketOptions(conn, resp.SendBuffer)
	if canHijack {
		s.hijack(w, r, plainConn, resp)
		return
	}
	p := newWriter(w, resp)
	defer p.sub.Close()
	s.opts.Viewers.Remove(viewer, cutReason(r.Context(), p.run(ctx), s.opts.Stopping))
}

// SetHeaders sets the headers of a stream that ends with its connection and that nothing may cache.
func SetHeaders(w http.ResponseWriter, r *http.Request, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	request.DisableCaching(h)
	h.Set("X-Accel-Buffering", "no") // nginx would collect frames
	if r.ProtoMajor == 1 {
		// Without chunks, so that a frame's bytes go to the socket as they are. On HTTP/2 the header would end the session.
		h.Set("Transfer-Encoding", "identity")
		h.Set("Connection", "close")
	}
}
