// Package snapshot serves the newest picture of a camera as one JPEG.
package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"camd/pkg/audit"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
	"camd/pkg/media"
)

// WaitTimeout is how long a snapshot waits for a picture, because an on-demand camera may have to be opened for it.
const WaitTimeout = 10 * time.Second

// Server serves snapshots. Its methods are safe for concurrent use.
type Server struct {
	audit        *audit.Log
	runID        string       // distinguishes this run's ETags from those of another
	waiting      atomic.Int64 // snapshots that wait for a picture
	refusedWaits atomic.Uint64
}

// New returns a server that writes to the audit log who took snapshots.
func New(log *audit.Log) *Server {
	return &Server{audit: log, runID: strconv.FormatInt(time.Now().UnixMicro(), 36)}
}

// RefusedWaits returns how many requests did not wait for a picture because too many waited already.
func (s *Server) RefusedWaits() uint64 { return s.refusedWaits.Load() }

// Variant is how an answer differs from the default, for clients of other programs. The zero Variant is the default answer.
type Variant struct {
	NoStore    bool                             // caches must not keep the picture
	SetHeaders func(http.Header, *broker.Frame) // adds headers about the picture; nil adds none
}

// Serve serves the newest picture. It never decodes one. Any number of requests share one wait for a picture.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, target request.Target) {
	s.ServeVariant(w, r, target, Variant{})
}

// ServeVariant is [Server.Serve] with another answer.
func (s *Server) ServeVariant(w http.ResponseWriter, r *http.Request, target request.Target, variant Variant) {
	rendition, bad := target.Rendition(r)
	if bad != nil {
		bad.Fail(w, r)
		return
	}
	oldest, bad := oldestAllowed(r, target.Camera, rendition, time.Now())
	if bad != nil {
		bad.Fail(w, r)
		return
	}
	topic, bad := target.Topic(rendition)
	if bad != nil { // a reload has just removed it
		bad.Fail(w, r)
		return
	}
	f := s.waitForFrame(r.Context(), target, topic, oldest)
	wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
	s.write(wrapped, r, target, variant, f, oldest)
	// The audit log records pictures that were sent, and pictures that the client already has.
	if n := wrapped.BytesWritten(); n > 0 || wrapped.Status() == http.StatusNotModified {
		stream := audit.Stream{Camera: target.ID, Rendition: rendition, Transport: request.Transport(r)}
		s.audit.SnapshotTaken(request.RequesterOf(r).Actor(), stream, uint64(n))
	}
}

// waitForFrame returns the newest live frame captured at oldest or later. It waits for one if the camera will soon deliver one, and
// otherwise returns the newest frame of any kind. The number of waiting requests is limited, because each makes the camera work.
func (s *Server) waitForFrame(ctx context.Context, target request.Target, topic *broker.Topic, oldest time.Time) *broker.Frame {
	if f := topic.Newest(); isLiveSince(f, oldest) {
		return f
	}
	if s.waiting.Add(1) > int64(target.Limits.WaitingSnapshots) {
		s.waiting.Add(-1)
		s.refusedWaits.Add(1)
		return topic.Newest()
	}
	defer s.waiting.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, WaitTimeout)
	defer cancel()
	sub := topic.Subscribe(broker.Latest) // its demand makes the camera give pictures
	defer sub.Close()
	for {
		f, err := sub.Next(ctx)
		if err != nil {
			return topic.Newest()
		}
		if isLiveSince(f, oldest) || f.Placeholder && !expectsFrames(target.Camera.Status().State) {
			return f
		}
	}
}

func isLiveSince(f *broker.Frame, oldest time.Time) bool {
	return f != nil && !f.Placeholder && !f.Captured.Before(oldest)
}

// expectsFrames reports whether a camera in this state will soon deliver pictures.
func expectsFrames(state camera.State) bool {
	return state == camera.Starting || state == camera.Idle || state == camera.Live
}

// write answers with f: with an error status if it is not a live picture captured at oldest or later.
func (s *Server) write(w http.ResponseWriter, r *http.Request, target request.Target, variant Variant, f *broker.Frame, oldest time.Time) {
	if f == nil {
		w.Header().Set("Retry-After", "1")
		request.Fail(w, r, http.StatusServiceUnavailable, fmt.Sprintf("camera %q has no picture yet: try again later", target.ID))
		return
	}
	h := w.Header()
	setFrameHeaders(h, f, target.Camera.Status().State)
	if variant.SetHeaders != nil {
		variant.SetHeaders(h, f)
	}
	if !isLiveSince(f, oldest) {
		request.DisableCaching(h)
		h.Set("Retry-After", "2")
		h.Set("Content-Length", strconv.Itoa(len(f.Data)))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(f.Data)
		return
	}
	if variant.NoStore {
		request.DisableCaching(h)
	} else {
		// The ETag has the time too, because a camera that is removed and added again counts its pictures from the start.
		h.Set("ETag", fmt.Sprintf(`"%s-%d-%x"`, s.runID, f.Seq, f.Captured.UnixMicro()))
	}
	// There is no modification time, because it has whole seconds: two pictures of one second would have the same.
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.Data))
}

func setFrameHeaders(h http.Header, f *broker.Frame, state camera.State) {
	age := max(time.Since(f.Captured), 0)
	h.Set("Content-Type", "image/jpeg")
	h.Set("Cache-Control", "private, no-cache") // a cache may keep it, and checks the ETag before each use
	h.Set("Age", strconv.Itoa(int(age.Seconds())))
	h.Set("X-Timestamp", media.FormatTimestamp(f.Captured))
	h.Set("X-Camd-Age", strconv.FormatFloat(age.Seconds(), 'f', 3, 64))
	h.Set("X-Camd-State", string(state))
}
