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
	"camd/pkg/wall"
)

// wallTransport is what viewers over a wall's WebSocket are counted as.
const wallTransport = "websocket"

// wall serves many cameras over one WebSocket. ?cameras=a,b and ?rendition= are those to begin with.
func (s *Server) wall(w http.ResponseWriter, r *http.Request) {
	address := hostOf(visitorOf(r).remote(r)) // which is not a proxy's
	if r.ProtoMajor != 1 || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		s.explainWall(w, r, address)
		return
	}
	begin, bad := beginWith(r)
	if bad == nil && downgraded(r, s.roster.Load().OwnOrigin) {
		bad = &requestError{http.StatusForbidden, "a page that came unencrypted may not have the wall of a server that is encrypted"}
	}
	if bad != nil {
		fail(w, r, bad.code, bad.message)
		return
	}
	if err := s.audience.enter(address); err != nil {
		wallRefused(w, r, err)
		return
	}
	defer s.audience.exit(address)
	s.walls.Add(1) // before Accept: until then the HTTP server waits for the request
	defer s.walls.Done()
	all := s.roster.Load()
	all.tune(s.connOf(r))
	conn, err := wall.Accept(w, r, all.WriteTimeout, all.OwnOrigin)
	if err != nil {
		s.log.Debug("no websocket", zap.String("remote", r.RemoteAddr), zap.Error(err))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	err = wall.Serve(ctx, conn, wall.Options{
		Cameras: begin, Rendition: r.FormValue("rendition"),
		Join: func(camera, rendition string) (wall.Place, error) {
			return s.takePlace(camera, rendition, r, cancel)
		},
	})
	if errors.Is(err, wall.ErrTalkative) {
		s.refusals.messages.Add(1)
		s.log.Warn("wall cut", zap.String("remote", r.RemoteAddr), zap.Error(err))
	}
}

// explainWall answers a request without a WebSocket. If there is no room for another wall, it says so: a page cannot read the
// answer that refuses its WebSocket, and asks here.
func (s *Server) explainWall(w http.ResponseWriter, r *http.Request, address string) {
	switch err := s.audience.wouldEnter(address); {
	case err != nil:
		wallRefused(w, r, err)
	case r.ProtoMajor != 1: // where nothing may say "upgrade"
		fail(w, r, http.StatusBadRequest, "this address speaks WebSocket, over HTTP/1.1 alone; docs/protocol.md describes it")
	default:
		w.Header().Set("Upgrade", "websocket")
		fail(w, r, http.StatusUpgradeRequired, "this address speaks WebSocket; docs/protocol.md describes it")
	}
}

func wallRefused(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Retry-After", "10")
	fail(w, r, http.StatusServiceUnavailable, err.Error())
}

// downgraded reports whether a page of this server's name asks that came in the clear, although this server speaks TLS: whoever is
// on the way can have written it. Not all browsers hold back a session's cookie from it.
func downgraded(r *http.Request, own string) bool {
	origin := r.Header.Get("Origin")
	return visitorOf(r).client.Secure && strings.HasPrefix(strings.ToLower(origin), "http://") && !strings.EqualFold(origin, own)
}

// takePlace admits a client of a wall to one camera.
func (s *Server) takePlace(id, rendition string, r *http.Request, end func()) (wall.Place, error) {
	all := s.roster.Load() // of now: a wall is there for days
	now, _ := all.Gate.Renew(visitorOf(r).Grant)
	c, bad := all.find(id, now)
	if bad != nil {
		return nil, bad
	}
	topic, ok := c.Topic(rendition)
	if !ok {
		return nil, noRendition(id, rendition, c.Renditions())
	}
	me := newViewer(seat{id, rendition, wallTransport}, r, false)
	me.end = end
	if err := s.audience.join(me); err != nil {
		return nil, err
	}
	s.began(me)
	s.measure(all, me, topic)
	return &place{s, me, topic, s.age(topic)}, nil
}

// place is one camera of a wall's client.
type place struct {
	server *Server
	me     *viewer
	topic  *broker.Topic
	age    prometheus.Observer
}

func (p *place) Topic() *broker.Topic { return p.topic }

func (p *place) Sent(f *broker.Frame, bytes int) {
	now := time.Now()
	p.me.Wrote(f, now)
	p.me.Bytes.Add(uint64(bytes))
	if !f.Placeholder {
		p.age.Observe(now.Sub(f.Captured).Seconds())
	}
}

func (p *place) Dropped(frames uint64) { p.me.Slow.Add(frames) }

func (p *place) Leave(cut bool) {
	why := ""
	switch {
	case cut:
		why = cutStalled
	case p.server.stopping.Load():
		why = cutShutdown
	default:
		select {
		case <-p.topic.Ended():
			why = cutRemoved
		default:
		}
	}
	p.server.farewell(p.me, why)
}
