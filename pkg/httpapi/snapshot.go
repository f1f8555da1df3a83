package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"camd/pkg/audit"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
	"camd/pkg/media"
)

const (
	// defaultMaxAge is how old a snapshot may be if nothing else is asked. An unwatched camera makes a picture a second.
	defaultMaxAge = 2 * time.Second
	// requestTimeout is how long a snapshot waits for a picture: an on-demand camera may have to be opened for it.
	requestTimeout = 10 * time.Second
)

// snapshot serves the newest picture. It never decodes one, and any number of requests share one wait.
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request, v cameraRequest) {
	rendition, bad := v.Rendition(r)
	if bad == nil {
		var oldest time.Time
		if oldest, bad = v.oldestAllowed(r, rendition, time.Now()); bad == nil {
			if topic, ok := v.Camera.Topic(rendition); ok {
				f := s.waitForFrame(r.Context(), v, topic, oldest)
				wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
				s.writeSnapshot(wrapped, r, v, f, oldest)
				s.logSnapshot(r, audit.Stream{Camera: v.ID, Rendition: rendition, Transport: request.Transport(r)}, wrapped)
				return
			}
			bad = v.NoRendition(rendition) // it has just gone
		}
	}
	bad.Fail(w, r)
}

// logSnapshot writes to the audit log that a snapshot was sent, or was still the newest.
func (s *Server) logSnapshot(r *http.Request, stream audit.Stream, wrapped middleware.WrapResponseWriter) {
	if n := wrapped.BytesWritten(); n > 0 || wrapped.Status() == http.StatusNotModified {
		s.audit.SnapshotTaken(request.RequesterOf(r).Actor(), stream, uint64(n))
	}
}

// oldestAllowed reads ?fresh= and ?max_age= and returns the earliest capture time that will do.
func (v cameraRequest) oldestAllowed(r *http.Request, rendition string, now time.Time) (time.Time, *request.Error) {
	switch fresh := r.FormValue("fresh"); fresh {
	case "1", "true":
		return now, nil
	case "", "0", "false":
	default:
		return now, request.Errorf(http.StatusBadRequest, "fresh=%q is neither 1 nor 0", fresh)
	}
	age := v.maxAge(rendition)
	if value := r.FormValue("max_age"); value != "" {
		var err error
		if age, err = parseAge(value); err != nil {
			return now, request.Errorf(http.StatusBadRequest, "%s", err)
		}
	}
	return now.Add(-age), nil
}

// maxAge is how old the newest picture of a stream may be that is live: three pictures' time of a slow one.
func (v cameraRequest) maxAge(rendition string) time.Duration {
	st := v.Camera.Status()
	age := defaultMaxAge
	allowSlow := func(fps float64) {
		if fps > 0 {
			age = max(age, time.Duration(3/fps*float64(time.Second)))
		}
	}
	allowSlow(st.Format.FPS)
	for _, r := range st.Renditions {
		if r.Name == rendition {
			allowSlow(r.FPS)
		}
	}
	return age
}

// parseAge reads seconds, or a duration with its unit.
func parseAge(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if seconds, e := strconv.ParseFloat(value, 64); e == nil && seconds < 1e9 {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("max_age=%q is no age; write seconds or a duration, such as max_age=0.5 or max_age=500ms", value)
	}
	return d, nil
}

// waitForFrame returns the newest live frame captured at oldest or later, waiting for one if the camera can be expected to
// give it; else the newest frame, whatever it is. As many may wait as there may be viewers: each has the camera work.
func (s *Server) waitForFrame(ctx context.Context, v cameraRequest, topic *broker.Topic, oldest time.Time) *broker.Frame {
	if f := topic.Newest(); isLiveSince(f, oldest) {
		return f
	}
	if s.waitingSnapshots.Add(1) > int64(v.Limits.WaitingSnapshots) {
		s.waitingSnapshots.Add(-1)
		s.refusals.waits.Add(1)
		return topic.Newest()
	}
	defer s.waitingSnapshots.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	sub := topic.Subscribe(broker.Latest) // its demand makes the camera give pictures
	defer sub.Close()
	for {
		f, err := sub.Next(ctx)
		if err != nil {
			return topic.Newest()
		}
		if isLiveSince(f, oldest) || f.Placeholder && !expectsFrames(v.Camera.Status().State) {
			return f
		}
	}
}

func isLiveSince(f *broker.Frame, oldest time.Time) bool {
	return f != nil && !f.Placeholder && !f.Captured.Before(oldest)
}

// expectsFrames reports whether a camera in this state is about to give pictures.
func expectsFrames(state camera.State) bool {
	return state == camera.Starting || state == camera.Idle || state == camera.Live
}

func (s *Server) writeSnapshot(w http.ResponseWriter, r *http.Request, v cameraRequest, f *broker.Frame, oldest time.Time) {
	if f == nil {
		w.Header().Set("Retry-After", "1")
		request.Fail(w, r, http.StatusServiceUnavailable, fmt.Sprintf("camera %q has no picture yet", v.ID))
		return
	}
	age := max(time.Since(f.Captured), 0)
	h := w.Header()
	h.Set("Content-Type", "image/jpeg")
	h.Set("Cache-Control", "private, no-cache") // may be kept, must be asked about: that is what the ETag is for
	h.Set("Age", strconv.Itoa(int(age.Seconds())))
	h.Set("X-Timestamp", media.FormatTimestamp(f.Captured))
	h.Set("X-Camd-Age", strconv.FormatFloat(age.Seconds(), 'f', 3, 64))
	h.Set("X-Camd-State", string(v.Camera.Status().State))
	v.setUstreamerHeaders(h, f)
	if !isLiveSince(f, oldest) {
		request.DisableCaching(h)
		h.Set("Retry-After", "2")
		h.Set("Content-Length", strconv.Itoa(len(f.JPEG)))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(f.JPEG)
		return
	}
	if v.mode == native {
		// The time too: a camera that is taken out and put in again counts its pictures from the start.
		h.Set("ETag", fmt.Sprintf(`"%s-%d-%x"`, s.runID, f.Seq, f.Captured.UnixMicro()))
	} else {
		request.DisableCaching(h)
	}
	// No modification time: its whole seconds would call two pictures of one second the same.
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.JPEG))
}

// newRunID names a run of the daemon.
func newRunID(start time.Time) string { return strconv.FormatInt(start.UnixMicro(), 36) }
