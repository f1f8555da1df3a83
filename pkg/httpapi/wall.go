package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/httpapi/wall"
)

// wallTransport is what viewers over a wall's WebSocket are counted as.
const wallTransport = "websocket"

// wall serves many cameras over one WebSocket. ?cameras=a,b and ?rendition= are those to begin with.
func (s *Server) wall(w http.ResponseWriter, r *http.Request) {
	address := withoutPort(requesterOf(r).remoteAddr(r)) // which is not a proxy's
	if r.ProtoMajor != 1 || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		s.explainWall(w, r, address)
		return
	}
	cameras, bad := initialCameras(r)
	if bad == nil && isDowngraded(r, s.config.Load().OwnOrigin) {
		bad = &requestError{http.StatusForbidden, "a page that came unencrypted may not have the wall of a server that is encrypted"}
	}
	if bad != nil {
		fail(w, r, bad.code, bad.message)
		return
	}
	if err := s.viewers.addWall(address); err != nil {
		refuseWall(w, r, err)
		return
	}
	defer s.viewers.removeWall(address)
	s.wallSessions.Add(1) // before Accept: until then the HTTP server waits for the request
	defer s.wallSessions.Done()
	cfg := s.config.Load()
	cfg.setSocketOptions(s.connOf(r))
	conn, err := wall.Accept(w, r, cfg.WriteTimeout, cfg.OwnOrigin)
	if err != nil {
		s.log.Debug("no websocket", zap.String("remote", r.RemoteAddr), zap.Error(err))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	err = wall.Serve(ctx, conn, wall.Options{
		Cameras: cameras, Rendition: r.FormValue("rendition"),
		Join: func(camera, rendition string) (wall.Stream, error) {
			return s.joinWall(camera, rendition, r, cancel)
		},
	})
	if errors.Is(err, wall.ErrTooManyMessages) {
		s.refusals.messages.Add(1)
		s.log.Warn("wall cut", zap.String("remote", r.RemoteAddr), zap.Error(err))
	}
}

// explainWall answers a request without a WebSocket. If there is no room for another wall, it says so: a page cannot read the
// answer that refuses its WebSocket, and asks here.
func (s *Server) explainWall(w http.ResponseWriter, r *http.Request, address string) {
	switch err := s.viewers.checkWall(address); {
	case err != nil:
		refuseWall(w, r, err)
	case r.ProtoMajor != 1: // where nothing may say "upgrade"
		fail(w, r, http.StatusBadRequest, "this address speaks WebSocket, over HTTP/1.1 alone; docs/protocol.md describes it")
	default:
		w.Header().Set("Upgrade", "websocket")
		fail(w, r, http.StatusUpgradeRequired, "this address speaks WebSocket; docs/protocol.md describes it")
	}
}

func refuseWall(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Retry-After", "10")
	fail(w, r, http.StatusServiceUnavailable, err.Error())
}

// isDowngraded reports whether a page of this server's name asks that came in the clear, although this server speaks TLS: whoever is
// on the way can have written it. Not all browsers hold back a session's cookie from it.
func isDowngraded(r *http.Request, own string) bool {
	origin := r.Header.Get("Origin")
	return requesterOf(r).client.Secure && strings.HasPrefix(strings.ToLower(origin), "http://") && !strings.EqualFold(origin, own)
}

// joinWall admits a client of a wall to one camera.
func (s *Server) joinWall(id, rendition string, r *http.Request, disconnect func()) (wall.Stream, error) {
	cfg := s.config.Load() // the current one: a wall stays connected for days
	grant, _ := cfg.Auth.Revalidate(requesterOf(r).Grant)
	c, bad := cfg.findCamera(id, grant)
	if bad != nil {
		return nil, bad
	}
	topic, ok := c.Topic(rendition)
	if !ok {
		return nil, noRendition(id, rendition, c.Renditions())
	}
	viewer := newViewer(streamKey{id, rendition, wallTransport}, r, false)
	viewer.disconnect = disconnect
	if err := s.viewers.add(viewer); err != nil {
		return nil, err
	}
	s.logViewStart(viewer)
	s.addRemoteSeries(cfg, viewer, topic)
	return &wallStream{s, viewer, topic, s.frameAgeOf(topic)}, nil
}

// wallStream is one camera of a wall's client.
type wallStream struct {
	server   *Server
	viewer   *viewer
	topic    *broker.Topic
	frameAge prometheus.Observer
}

func (p *wallStream) Topic() *broker.Topic { return p.topic }

func (p *wallStream) Sent(f *broker.Frame, bytes int) {
	now := time.Now()
	p.viewer.CountSent(f, now)
	p.viewer.Bytes.Add(uint64(bytes))
	if !f.Placeholder {
		p.frameAge.Observe(now.Sub(f.Captured).Seconds())
	}
}

func (p *wallStream) Dropped(frames uint64) { p.viewer.SkippedSlow.Add(frames) }

func (p *wallStream) Leave(cut bool) {
	reason := ""
	switch {
	case cut:
		reason = cutStalled
	case p.server.stopping.Load():
		reason = cutShutdown
	default:
		select {
		case <-p.topic.Ended():
			reason = cutRemoved
		default:
		}
	}
	p.server.removeViewer(p.viewer, reason)
}
