package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/mjpeg"
)

const (
	// defaultMaxAge is how old a snapshot may be if nothing else is asked. An unwatched camera makes a picture a second.
	defaultMaxAge = 2 * time.Second
	// patience is how long a snapshot waits for a picture: an on-demand camera may have to be opened for it.
	patience = 10 * time.Second
)

// snapshot serves the newest picture. It never decodes one, and any number of requests share one wait.
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request, v view) {
	rendition, bad := v.rendition(r)
	if bad == nil {
		var oldest time.Time
		if oldest, bad = v.notBefore(r, rendition, time.Now()); bad == nil {
			if topic, ok := v.camera.Topic(rendition); ok {
				f := s.await(r.Context(), v, topic, oldest)
				given := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
				s.writeSnapshot(given, r, v, f, oldest)
				s.glanced(r, seat{v.id, rendition, transportOf(r)}, given)
				return
			}
			bad = noRendition(v.id, rendition, v.camera.Renditions()) // it has just gone
		}
	}
	fail(w, r, bad.code, bad.message)
}

// glanced notes who has got a picture, or has been told that theirs is the newest.
func (s *Server) glanced(r *http.Request, from seat, given middleware.WrapResponseWriter) {
	if n := given.BytesWritten(); n > 0 || given.Status() == http.StatusNotModified {
		s.audit.Glance(personOf(r), from.seen(), uint64(n))
	}
}

// notBefore reads ?fresh= and ?max_age= and returns the earliest capture time that will do.
func (v view) notBefore(r *http.Request, rendition string, now time.Time) (time.Time, *requestError) {
	switch fresh := r.FormValue("fresh"); fresh {
	case "1", "true":
		return now, nil
	case "", "0", "false":
	default:
		return now, &requestError{http.StatusBadRequest, fmt.Sprintf("fresh=%q is neither 1 nor 0", fresh)}
	}
	age := v.usualAge(rendition)
	if value := r.FormValue("max_age"); value != "" {
		var err error
		if age, err = parseAge(value); err != nil {
			return now, &requestError{http.StatusBadRequest, err.Error()}
		}
	}
	return now.Add(-age), nil
}

// usualAge is how old the newest picture of a stream may be that is live: three pictures' time of a slow one.
func (v view) usualAge(rendition string) time.Duration {
	st := v.camera.Status()
	age := defaultMaxAge
	patient := func(fps float64) {
		if fps > 0 {
			age = max(age, time.Duration(3/fps*float64(time.Second)))
		}
	}
	patient(st.Format.FPS)
	for _, r := range st.Renditions {
		if r.Name == rendition {
			patient(r.FPS)
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

// await returns the newest live frame captured at oldest or later, waiting for one if the camera can be expected to
// give it; else the newest frame, whatever it is. As many may wait as there may be viewers: each has the camera work.
func (s *Server) await(ctx context.Context, v view, topic *broker.Topic, oldest time.Time) *broker.Frame {
	if f := topic.Newest(); good(f, oldest) {
		return f
	}
	if s.waits.Add(1) > int64(v.roster.Limits.Viewers) {
		s.waits.Add(-1)
		s.refusals.waits.Add(1)
		return topic.Newest()
	}
	defer s.waits.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sub := topic.Subscribe(broker.Latest) // its demand makes the camera give pictures
	defer sub.Close()
	for {
		f, err := sub.Next(ctx)
		if err != nil {
			return topic.Newest()
		}
		if good(f, oldest) || f.Placeholder && !hopeful(v.camera.Status().State) {
			return f
		}
	}
}

func good(f *broker.Frame, oldest time.Time) bool {
	return f != nil && !f.Placeholder && !f.Captured.Before(oldest)
}

// hopeful reports whether a camera in this state is about to give pictures.
func hopeful(state camera.State) bool {
	return state == camera.Starting || state == camera.Idle || state == camera.Live
}

func (s *Server) writeSnapshot(w http.ResponseWriter, r *http.Request, v view, f *broker.Frame, oldest time.Time) {
	if f == nil {
		w.Header().Set("Retry-After", "1")
		fail(w, r, http.StatusServiceUnavailable, fmt.Sprintf("camera %q has no picture yet", v.id))
		return
	}
	age := max(time.Since(f.Captured), 0)
	h := w.Header()
	h.Set("Content-Type", "image/jpeg")
	h.Set("Cache-Control", "private, no-cache") // may be kept, must be asked about: that is what the ETag is for
	h.Set("Age", strconv.Itoa(int(age.Seconds())))
	h.Set("X-Timestamp", mjpeg.Timestamp(f.Captured))
	h.Set("X-Camd-Age", strconv.FormatFloat(age.Seconds(), 'f', 3, 64))
	h.Set("X-Camd-State", string(v.camera.Status().State))
	v.describe(h, f)
	if !good(f, oldest) {
		forbidKeeping(h)
		h.Set("Retry-After", "2")
		h.Set("Content-Length", strconv.Itoa(len(f.JPEG)))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(f.JPEG)
		return
	}
	if v.manner == own {
		// The time too: a camera that is taken out and put in again counts its pictures anew.
		h.Set("ETag", fmt.Sprintf(`"%s-%d-%x"`, s.boot, f.Seq, f.Captured.UnixMicro()))
	} else {
		forbidKeeping(h)
	}
	// No modification time: its whole seconds would call two pictures of one second the same.
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.JPEG))
}

// bootID names a run of the daemon.
func bootID(start time.Time) string { return strconv.FormatInt(start.UnixMicro(), 36) }
