package wall

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"camd/pkg/access"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
)

// Transport is the transport of viewers over the WebSocket of a wall.
const Transport = "websocket"

// Cameras finds cameras for a client that stays connected while the configuration changes.
type Cameras interface {
	// RevalidatedCamera returns a camera of the current configuration if the grant still holds there and can see the camera.
	RevalidatedCamera(id string, g access.Grant) (request.Target, *request.Error)
}

// Options of a server. All are required.
type Options struct {
	Viewers  *viewers.Registry
	Cameras  Cameras
	Stopping func() bool // reports whether camd stops
	Log      *zap.Logger
}

// Server serves walls. Its methods are safe for concurrent use.
type Server struct {
	opts     Options
	sessions sync.WaitGroup
	flooded  atomic.Uint64 // connections cut because their clients sent too many messages
}

// New returns a server without connections.
func New(o Options) *Server { return &Server{opts: o} }

// Flooded returns how many connections were cut because their clients sent too many messages.
func (s *Server) Flooded() uint64 { return s.flooded.Load() }

// Wait returns when no connection is left. Each ends with the context of its request.
func (s *Server) Wait() { s.sessions.Wait() }

// Settings are the limits that the configuration sets for a connection.
type Settings struct {
	WriteTimeout time.Duration // a client that takes nothing for this long is disconnected
	SendBuffer   int           // bytes that the kernel may hold unsent for it; 0 leaves it to the system
	OwnOrigin    string        // the origin that browsers see if a proxy is in front; empty without a proxy
}

// Serve serves many cameras over one WebSocket. ?cameras=a,b and ?view= are the cameras at the beginning, and ?decodes= is what the client
// can decode.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, settings Settings) {
	address := request.WithoutPort(request.RequesterOf(r).RemoteAddr(r)) // of the client, not of a proxy
	if r.ProtoMajor != 1 || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		s.explain(w, r, address)
		return
	}
	initial, bad := initialCameras(r)
	if bad == nil && isDowngraded(r, settings.OwnOrigin) {
		bad = request.Errorf(http.StatusForbidden, "a page loaded over http:// cannot use an encrypted connection: open the page over https://")
	}
	if bad != nil {
		bad.Fail(w, r)
		return
	}
	if err := s.opts.Viewers.AddWall(address); err != nil {
		refuse(w, r, err)
		return
	}
	defer s.opts.Viewers.RemoveWall(address)
	s.sessions.Add(1) // before Accept: until then the HTTP server waits for this request
	defer s.sessions.Done()
	viewers.SetSocketOptions(request.Conn(r), settings.SendBuffer)
	conn, err := Accept(w, r, settings.WriteTimeout, settings.OwnOrigin)
	if err != nil {
		s.opts.Log.Debug("websocket not accepted", zap.String("remote", r.RemoteAddr), zap.Error(err))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	initial.FindCamera = func(id string) (request.Target, error) {
		target, bad := s.opts.Cameras.RevalidatedCamera(id, request.RequesterOf(r).Grant)
		if bad != nil {
			return request.Target{}, bad
		}
		return target, nil
	}
	initial.NewViewer = func(key viewers.Key) *viewers.Viewer {
		viewer := viewers.New(key, r, false)
		viewer.Disconnect = cancel
		return viewer
	}
	initial.Viewers, initial.Stopping = s.opts.Viewers, s.opts.Stopping
	err = serveSession(ctx, conn, initial)
	if errors.Is(err, ErrTooManyMessages) {
		s.flooded.Add(1)
		s.opts.Log.Warn("wall disconnected", zap.String("remote", r.RemoteAddr), zap.Error(err))
	}
}

// explain answers a request that is not for a WebSocket. If a limit is reached, the answer says so. A page cannot read the answer that
// refuses its WebSocket, so it sends this request.
func (s *Server) explain(w http.ResponseWriter, r *http.Request, address string) {
	switch err := s.opts.Viewers.CheckWall(address); {
	case err != nil:
		refuse(w, r, err)
	case r.ProtoMajor != 1: // HTTP/2 has no Upgrade header
		request.Fail(w, r, http.StatusBadRequest, "this address needs a WebSocket request over HTTP/1.1: see docs/protocol.md")
	default:
		w.Header().Set("Upgrade", "websocket")
		request.Fail(w, r, http.StatusUpgradeRequired, "this address needs a WebSocket request: see docs/protocol.md")
	}
}

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Retry-After", "10")
	request.Fail(w, r, http.StatusServiceUnavailable, err.Error())
}

// isDowngraded reports whether the request is encrypted but comes from a page of this server that was not. Somebody on the network may
// have changed such a page, and not all browsers keep the session cookie from it.
func isDowngraded(r *http.Request, own string) bool {
	origin := r.Header.Get("Origin")
	return request.RequesterOf(r).Client.Secure && strings.HasPrefix(strings.ToLower(origin), "http://") && !strings.EqualFold(origin, own)
}
