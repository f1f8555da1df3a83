// Package mjpeg serves cameras as MJPEG streams. A stream is one multipart response that never ends.
package mjpeg

import (
	"net/http"
	"strconv"

	"camd/pkg/camera"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/streaming"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/media"
)

// MaxFPS bounds ?fps=; no camera is faster.
const MaxFPS = 1000

// Server serves MJPEG streams. Its methods are safe for concurrent use.
type Server struct{ streams *streaming.Server }

// New returns a server that sends its streams by streams.
func New(streams *streaming.Server) *Server { return &Server{streams} }

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
	streaming.SetHeaders(w, r, media.ContentType)
	if r.Method == http.MethodHead {
		return
	}
	viewer := viewers.New(viewers.Key{Camera: target.ID, Rendition: rendition, Transport: request.Transport(r)}, r, fps > 0)
	if variant.Prepare != nil {
		variant.Prepare(w.Header(), viewer)
	}
	s.streams.Serve(w, r, streaming.Response{
		Viewer: viewer, SendBuffer: target.Limits.SendBuffer, Preamble: media.Preamble,
		Stream: &fanout.Viewer{
			Topic: topic, Period: camera.FrameInterval(fps), Filter: newFrameFilter(fps, target.Limits.BytesPerSecond),
			Counts: &viewer.Counts, WriteTimeout: target.Limits.WriteTimeout,
		},
	})
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
