package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/fanout"
	"camd/pkg/media"
)

// repeatAfter is how long a viewer waits for a new frame before it gets the last one again. Some browsers paint a part
// only when the next one begins, so that at low rates they would always show the picture before the last.
const repeatAfter = 500 * time.Millisecond

// maxFPS bounds ?fps=; no camera is faster.
const maxFPS = 1000

// stream serves MJPEG until the viewer leaves.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, v cameraRequest) {
	rendition, fps, bad := v.streamQuery(r)
	if bad != nil {
		fail(w, r, bad.code, bad.message)
		return
	}
	topic, ok := v.camera.Topic(rendition)
	if !ok { // it has just gone
		bad = noRendition(v.id, rendition, v.camera.Renditions())
		fail(w, r, bad.code, bad.message)
		return
	}
	setStreamHeaders(w, r)
	if r.Method == http.MethodHead {
		return
	}
	key := streamKey{v.id, rendition, transportOf(r)}
	viewer := newViewer(key, r, fps > 0)
	v.setClientCookie(w.Header(), r, viewer)
	conn := s.connOf(r)
	plainConn, ok := conn.(fanout.Conn)
	canHijack := ok && r.ProtoMajor == 1 && r.TLS == nil
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if viewer.disconnect = cancel; canHijack {
		viewer.disconnect = shutdownConn(conn)
	}
	if err := s.viewers.add(viewer); err != nil {
		clear(w.Header())
		w.Header().Set("Retry-After", "10")
		fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	s.logViewStart(viewer)
	s.addRemoteSeries(v.config, viewer, topic)
	filter := newFrameFilter(fps, v.config.Limits.ViewerBytesPerSecond)
	v.config.setSocketOptions(conn)
	if canHijack {
		s.hijack(w, r, plainConn, &fanout.Viewer{Topic: topic, Filter: filter, Counts: &viewer.Counts, WriteTimeout: v.config.WriteTimeout}, viewer)
		return
	}
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	p := &streamWriter{
		viewer: viewer, sub: sub, filter: filter, response: &responseConn{w, http.NewResponseController(w)},
		timeout: v.config.WriteTimeout, frameAge: s.frameAgeOf(topic),
	}
	s.removeViewer(viewer, streamCutReason(r.Context(), p.run(ctx), s.stopping.Load))
}

// transportOf is what a request came over.
func transportOf(r *http.Request) string { return "http" + strconv.Itoa(min(r.ProtoMajor, 2)) }

// removeViewer removes a viewer and logs its end; reason is why it was cut, empty if it left by itself.
func (s *Server) removeViewer(viewer *viewer, reason string) {
	reason = viewer.cutReason(reason)
	s.viewers.remove(viewer, reason)
	s.logViewEnd(viewer, reason)
}

// requestError is a request that cannot be served, for people.
type requestError struct {
	code    int
	message string
}

func (e *requestError) Error() string { return e.message }

// streamQuery reads ?rendition= and ?fps=.
func (v cameraRequest) streamQuery(r *http.Request) (rendition string, fps float64, bad *requestError) {
	rendition, bad = v.rendition(r)
	if bad != nil {
		return "", 0, bad
	}
	value := r.FormValue("fps")
	if value == "" {
		return rendition, 0, nil
	}
	var err error
	fps, err = strconv.ParseFloat(value, 64)
	if err != nil || !(fps > 0 && fps <= maxFPS) {
		return "", 0, &requestError{http.StatusBadRequest,
			fmt.Sprintf("fps=%q is not a number above 0, at most %d, such as fps=5", value, maxFPS)}
	}
	return rendition, fps, nil
}

// rendition reads ?rendition=, which is main unless given.
func (v cameraRequest) rendition(r *http.Request) (string, *requestError) {
	name, renditions := cmp.Or(r.FormValue("rendition"), camera.Main), v.camera.Renditions()
	if !slices.Contains(renditions, name) {
		return "", noRendition(v.id, name, renditions)
	}
	return name, nil
}

func noRendition(id, name string, renditions []string) *requestError {
	return &requestError{http.StatusNotFound,
		fmt.Sprintf("camera %q has no rendition %q; there are: %s", id, name, strings.Join(renditions, ", "))}
}

// setStreamHeaders announce a stream that ends with its connection and that nothing on the way may keep.
func setStreamHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", media.ContentType)
	disableCaching(h)
	h.Set("X-Accel-Buffering", "no") // nginx would collect frames
	if r.ProtoMajor == 1 {
		// Without chunks, so that a frame's bytes go to the socket as they are. On HTTP/2 the header would end the session.
		h.Set("Transfer-Encoding", "identity")
		h.Set("Connection", "close")
	}
}
