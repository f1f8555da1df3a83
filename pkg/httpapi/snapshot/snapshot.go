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

// Serve serves the newest picture. Any number of requests share the picture that comes for one of them.
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
	f := s.waitForFrame(r.Context(), target, topic, rendition, oldest)
	wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
	s.write(wrapped, r, answer{target.ID, target.Camera.Status().StreamState(rendition).State, f, isLiveSince(f, oldest), variant})
	// The audit log records pictures that were sent, and pictures that the client already has.
	if n := wrapped.BytesWritten(); n > 0 || wrapped.Status() == http.StatusNotModified {
		stream := audit.Stream{Camera: target.ID, Rendition: rendition, Transport: request.Transport(r)}
		s.audit.SnapshotTaken(request.RequesterOf(r).Actor(), stream, uint64(n))
	}
}

// waitForFrame returns what [Fetch] returns. The number of waiting requests is limited, because each makes the camera work. A request beyond
// that gets the newest frame of any kind.
func (s *Server) waitForFrame(ctx context.Context, target request.Target, topic *broker.Topic, rendition string, oldest time.Time) *broker.Frame {
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
	return fetch(ctx, target.Camera, topic, rendition, oldest)
}

// answer is what a request gets.
type answer struct {
	camera  string       // id
	state   camera.State // of the rendition
	frame   *broker.Frame
	isFresh bool // frame is a live picture that is as new as the client wants
	variant Variant
}

// write answers with the frame: with an error status if it is not fresh.
func (s *Server) write(w http.ResponseWriter, r *http.Request, a answer) {
	f, h := a.frame, w.Header()
	if f == nil {
		h.Set("Retry-After", "1")
		request.Fail(w, r, http.StatusServiceUnavailable, fmt.Sprintf("camera %q has no picture yet: try again later", a.camera))
		return
	}
	setFrameHeaders(h, f, a.state)
	if a.variant.SetHeaders != nil {
		a.variant.SetHeaders(h, f)
	}
	if !a.isFresh {
		request.DisableCaching(h)
		h.Set("Retry-After", "2")
		h.Set("Content-Length", strconv.Itoa(len(f.Data)))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(f.Data)
		return
	}
	if a.variant.NoStore {
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
