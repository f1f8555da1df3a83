package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
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
		bad.Fail(w, r)
		return
	}
	topic, ok := v.Camera.Topic(rendition)
	if !ok { // it has just gone
		bad = v.NoRendition(rendition)
		bad.Fail(w, r)
		return
	}
	setStreamHeaders(w, r)
	if r.Method == http.MethodHead {
		return
	}
	key := viewers.Key{Camera: v.ID, Rendition: rendition, Transport: request.Transport(r)}
	viewer := viewers.New(key, r, fps > 0)
	v.setClientCookie(w.Header(), r, viewer)
	conn := request.Conn(r)
	plainConn, ok := conn.(fanout.Conn)
	canHijack := ok && r.ProtoMajor == 1 && r.TLS == nil
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if viewer.Disconnect = cancel; canHijack {
		viewer.Disconnect = shutdownConn(conn)
	}
	if err := s.viewers.Add(viewer, topic); err != nil {
		clear(w.Header())
		w.Header().Set("Retry-After", "10")
		request.Fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	filter := newFrameFilter(fps, v.Limits.BytesPerSecond)
	viewers.SetSocketOptions(conn, v.Limits.SendBuffer)
	if canHijack {
		s.hijack(w, r, plainConn, &fanout.Viewer{Topic: topic, Filter: filter, Counts: &viewer.Counts, WriteTimeout: v.Limits.WriteTimeout}, viewer)
		return
	}
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	p := &streamWriter{
		Viewer: viewer, sub: sub, filter: filter, response: w, controller: http.NewResponseController(w),
		timeout: v.Limits.WriteTimeout,
	}
	s.viewers.Remove(viewer, streamCutReason(r.Context(), p.run(ctx), s.stopping.Load))
}

// streamQuery reads ?rendition= and ?fps=.
func (v cameraRequest) streamQuery(r *http.Request) (rendition string, fps float64, bad *request.Error) {
	rendition, bad = v.Rendition(r)
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
		return "", 0, request.Errorf(http.StatusBadRequest, "fps=%q is not a number above 0, at most %d, such as fps=5", value, maxFPS)
	}
	return rendition, fps, nil
}

// setStreamHeaders announce a stream that ends with its connection and that nothing on the way may keep.
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
