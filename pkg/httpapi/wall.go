package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/httpapi/wall"
)

// wallTransport is what viewers over a wall's WebSocket are counted as.
const wallTransport = "websocket"

// wall serves many cameras over one WebSocket. ?cameras=a,b and ?rendition= are those to begin with.
func (s *Server) wall(w http.ResponseWriter, r *http.Request) {
	address := request.WithoutPort(request.RequesterOf(r).RemoteAddr(r)) // which is not a proxy's
	if r.ProtoMajor != 1 || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		s.explainWall(w, r, address)
		return
	}
	cameras, bad := initialCameras(r)
	if bad == nil && isDowngraded(r, s.config.Load().OwnOrigin) {
		bad = request.Errorf(http.StatusForbidden, "a page that came unencrypted may not have the wall of a server that is encrypted")
	}
	if bad != nil {
		bad.Fail(w, r)
		return
	}
	if err := s.viewers.AddWall(address); err != nil {
		refuseWall(w, r, err)
		return
	}
	defer s.viewers.RemoveWall(address)
	s.wallSessions.Add(1) // before Accept: until then the HTTP server waits for the request
	defer s.wallSessions.Done()
	cfg := s.config.Load()
	viewers.SetSocketOptions(request.Conn(r), cfg.SendBuffer)
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
	switch err := s.viewers.CheckWall(address); {
	case err != nil:
		refuseWall(w, r, err)
	case r.ProtoMajor != 1: // where nothing may say "upgrade"
		request.Fail(w, r, http.StatusBadRequest, "this address speaks WebSocket, over HTTP/1.1 alone; docs/protocol.md describes it")
	default:
		w.Header().Set("Upgrade", "websocket")
		request.Fail(w, r, http.StatusUpgradeRequired, "this address speaks WebSocket; docs/protocol.md describes it")
	}
}

func refuseWall(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Retry-After", "10")
	request.Fail(w, r, http.StatusServiceUnavailable, err.Error())
}

// isDowngraded reports whether a page of this server's name asks that came in the clear, although this server speaks TLS: whoever is
// on the way can have written it. Not all browsers hold back a session's cookie from it.
func isDowngraded(r *http.Request, own string) bool {
	origin := r.Header.Get("Origin")
	return request.RequesterOf(r).Client.Secure && strings.HasPrefix(strings.ToLower(origin), "http://") && !strings.EqualFold(origin, own)
}

// joinWall admits a client of a wall to one camera.
func (s *Server) joinWall(id, rendition string, r *http.Request, disconnect func()) (wall.Stream, error) {
	cfg := s.config.Load() // the current one: a wall stays connected for days
	grant, _ := cfg.Auth.Revalidate(request.RequesterOf(r).Grant)
	target, bad := cfg.findCamera(id, grant)
	if bad != nil {
		return nil, bad
	}
	topic, ok := target.Camera.Topic(rendition)
	if !ok {
		return nil, target.NoRendition(rendition)
	}
	viewer := viewers.New(viewers.Key{Camera: id, Rendition: rendition, Transport: wallTransport}, r, false)
	viewer.Disconnect = disconnect
	if err := s.viewers.Add(viewer, topic); err != nil {
		return nil, err
	}
	return &wallStream{s, viewer, topic}, nil
}

// wallStream is one camera of a wall's client.
type wallStream struct {
	server *Server
	viewer *viewers.Viewer
	topic  *broker.Topic
}

func (p *wallStream) Topic() *broker.Topic { return p.topic }

func (p *wallStream) Sent(f *broker.Frame, bytes int) {
	p.viewer.RecordSent(f)
	p.viewer.Bytes.Add(uint64(bytes))
}

func (p *wallStream) Dropped(frames uint64) { p.viewer.SkippedSlow.Add(frames) }

func (p *wallStream) Leave(cut bool) {
	reason := ""
	switch {
	case cut:
		reason = viewers.CutStalled
	case p.server.stopping.Load():
		reason = viewers.CutShutdown
	default:
		select {
		case <-p.topic.Ended():
			reason = viewers.CutRemoved
		default:
		}
	}
	p.server.viewers.Remove(p.viewer, reason)
}
