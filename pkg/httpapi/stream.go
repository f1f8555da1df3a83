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
	"camd/pkg/mjpeg"
)

// repeatAfter is how long a viewer waits for a new frame before it gets the last one again. Some browsers paint a part
// only when the next one begins, so that at low rates they would always show the picture before the last.
const repeatAfter = 500 * time.Millisecond

// maxFPS bounds ?fps=; no camera is faster.
const maxFPS = 1000

// stream serves MJPEG until the viewer leaves.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, v view) {
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
	streamHeaders(w, r)
	if r.Method == http.MethodHead {
		return
	}
	place := seat{v.id, rendition, transportOf(r)}
	me := newViewer(place, r, fps > 0)
	v.greet(w.Header(), r, me)
	conn := s.connOf(r)
	plain, ok := conn.(fanout.Conn)
	handsOver := ok && r.ProtoMajor == 1 && r.TLS == nil
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if me.end = cancel; handsOver {
		me.end = hangUp(conn)
	}
	if err := s.audience.join(me); err != nil {
		clear(w.Header())
		w.Header().Set("Retry-After", "10")
		fail(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	s.began(me)
	s.measure(v.roster, me, topic)
	judge := newJudge(fps, v.roster.Limits.BytesOfViewer)
	v.roster.tune(conn)
	if handsOver {
		s.handOver(w, r, plain, &fanout.Viewer{Topic: topic, Judge: judge, Counts: &me.Counts, WriteTimeout: v.roster.WriteTimeout}, me)
		return
	}
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	p := &player{
		viewer: me, sub: sub, judge: judge, out: w, flow: http.NewResponseController(w),
		timeout: v.roster.WriteTimeout, age: s.age(topic),
	}
	s.farewell(me, reasonToCut(r.Context(), p.play(ctx), s.stopping.Load))
}

// transportOf is what a request came over.
func transportOf(r *http.Request) string { return "http" + strconv.Itoa(min(r.ProtoMajor, 2)) }

// farewell takes leave of a viewer; why says what it was cut for, empty if it left by itself.
func (s *Server) farewell(me *viewer, why string) {
	why = me.why(why)
	s.audience.leave(me, why)
	s.ended(me, why)
}

// requestError is a request that cannot be served, for people.
type requestError struct {
	code    int
	message string
}

func (e *requestError) Error() string { return e.message }

// streamQuery reads ?rendition= and ?fps=.
func (v view) streamQuery(r *http.Request) (rendition string, fps float64, bad *requestError) {
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
func (v view) rendition(r *http.Request) (string, *requestError) {
	name, there := cmp.Or(r.FormValue("rendition"), camera.Main), v.camera.Renditions()
	if !slices.Contains(there, name) {
		return "", noRendition(v.id, name, there)
	}
	return name, nil
}

func noRendition(id, name string, there []string) *requestError {
	return &requestError{http.StatusNotFound,
		fmt.Sprintf("camera %q has no rendition %q; there are: %s", id, name, strings.Join(there, ", "))}
}

// streamHeaders announce a stream that ends with its connection and that nothing on the way may keep.
func streamHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", mjpeg.ContentType)
	forbidKeeping(h)
	h.Set("X-Accel-Buffering", "no") // nginx would collect frames
	if r.ProtoMajor == 1 {
		// Without chunks, so that a frame's bytes go to the socket as they are. On HTTP/2 the header would end the session.
		h.Set("Transfer-Encoding", "identity")
		h.Set("Connection", "close")
	}
}
