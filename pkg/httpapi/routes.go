package httpapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.uber.org/zap"

	"camd/pkg/access"
)

// route is an address: what it does, and whom it does it for.
type route struct {
	method, pattern string
	role            access.Role // at the camera, where there is one
	serve           http.HandlerFunc
	camera          func(http.ResponseWriter, *http.Request, view) // instead of serve, of addresses that name a camera
}

// table is every address. One that is for anybody says so.
func (s *Server) table() []route {
	shared := func(next http.HandlerFunc) http.HandlerFunc { return s.share(next).ServeHTTP }
	return []route{
		{"GET", "/", access.View, s.root, nil},
		{"GET", "/assets/{file}", anybody, s.pages.asset, nil},
		{"GET", "/login", anybody, s.showLogin, nil},
		{"POST", "/login", anybody, s.login, nil},
		{"POST", "/logout", anybody, s.logout, nil},
		{"GET", "/cameras/{camera}", access.View, nil, s.cameraPage},
		{"GET", "/cameras/{camera}/stream.mjpg", access.View, nil, s.stream},
		{"GET", "/cameras/{camera}/snapshot.jpg", access.View, nil, s.snapshot},
		{"GET", "/api/v1/wall", access.View, s.wall, nil},
		{"GET", "/api/v1/cameras", access.View, s.listCameras, nil},
		{"GET", "/api/v1/cameras/{camera}", access.View, nil, s.showCamera},
		{"PATCH", "/api/v1/cameras/{camera}", access.Control, nil, s.changeCamera},
		{"GET", "/api/v1/cameras/{camera}/controls", access.View, nil, s.listControls},
		{"GET", "/api/v1/cameras/{camera}/history", access.View, nil, s.showHistory},
		{"POST", "/api/v1/cameras/{camera}/links", access.Control, nil, s.makeLink},
		{"GET", "/api/v1/viewers", access.Admin, s.listViewers, nil},
		{"GET", "/api/v1/me", known, s.showMe, nil},
		{"GET", "/api/v1/openapi.json", known, showOpenAPI, nil},
		{"GET", "/metrics", access.Metrics, s.metricsHere(), nil},
		{"GET", "/healthz", anybody, healthz, nil},
		{"GET", "/readyz", anybody, s.readyz, nil},
		// ustreamer's addresses.
		{"GET", "/stream", access.View, shared(s.numbered(0, ustreamer, s.stream)), nil},
		{"GET", "/snapshot", access.View, shared(s.numbered(0, ustreamer, s.snapshot)), nil},
		{"GET", "/state", access.View, shared(s.numbered(0, ustreamer, s.ustreamerState)), nil},
	}
}

// pictures are what pages of others may show: the table's addresses that end so.
func (rt route) pictures() bool {
	return strings.HasSuffix(rt.pattern, ".mjpg") || strings.HasSuffix(rt.pattern, ".jpg")
}

func (s *Server) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(s.logRequests, s.boundWrites, s.securityHeaders, s.boundBodies, s.ownName, s.ownPages, middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		fail(w, r, http.StatusNotFound, "nothing here; the dashboard is at /")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Allow", allowed(r, req.URL.Path))
		fail(w, req, http.StatusMethodNotAllowed, "this address takes no "+req.Method)
	})
	s.mount(r, s.table())
	return r
}

// mount puts addresses behind what asks who comes.
func (s *Server) mount(r chi.Router, table []route) {
	for _, rt := range table {
		serve := rt.serve
		if rt.camera != nil {
			serve = s.named(rt.role, rt.camera)
		}
		var handler http.Handler = s.admit(rt.role, serve)
		if rt.pictures() {
			handler = s.share(handler)
		}
		r.Method(rt.method, rt.pattern, handler)
		if rt.pattern == "/cameras/{camera}" {
			r.Method(rt.method, rt.pattern+"/", handler)
		}
	}
}

// asideRoutes is what is answered at a door for metrics.
func (s *Server) asideRoutes() http.Handler {
	r := chi.NewRouter()
	r.Use(s.logRequests, s.securityHeaders, s.ownName, s.ownPages, middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		fail(w, r, http.StatusNotFound, "nothing here but /metrics, /healthz and /readyz; the pictures are at the address of listen")
	})
	s.mount(r, []route{
		{"GET", "/metrics", access.Metrics, s.opts.Metrics.Handler().ServeHTTP, nil},
		{"GET", "/healthz", anybody, healthz, nil},
		{"GET", "/readyz", anybody, s.readyz, nil},
	})
	return r
}

// metricsHere answers for the metrics where they are not aside.
func (s *Server) metricsHere() http.HandlerFunc {
	if !s.opts.MetricsAside {
		return s.opts.Metrics.Handler().ServeHTTP
	}
	return func(w http.ResponseWriter, r *http.Request) {
		fail(w, r, http.StatusNotFound, "the metrics have an address of their own: metrics_listen in the configuration")
	}
}

// allowed lists the methods that an address takes.
func allowed(r chi.Routes, path string) string {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodPost} {
		if r.Match(chi.NewRouteContext(), method, path) {
			methods = append(methods, method)
			if method == http.MethodGet {
				methods = append(methods, http.MethodHead)
			}
		}
	}
	return strings.Join(methods, ", ")
}

// view is a request for one camera.
type view struct {
	id     string
	camera Camera
	manner manner
	roster *roster // in which it was found
}

// named resolves {camera} in the address. A camera that somebody may not see is as one that is not there.
func (s *Server) named(role access.Role, next func(http.ResponseWriter, *http.Request, view)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := chi.URLParam(r, "camera")
		all := s.roster.Load()
		me := visitorOf(r)
		c, bad := all.find(id, me.Grant)
		if bad != nil {
			fail(w, r, bad.code, bad.message)
			return
		}
		if !me.May(role, id) {
			s.forbidden(w, r, me.Grant, role, id)
			return
		}
		next(w, r, view{id: id, camera: c, roster: all})
	}
}

// logRequests notes what was asked, at debug level: surveillance boxes are polled a lot.
func (s *Server) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.log.Core().Enabled(zap.DebugLevel) {
			next.ServeHTTP(w, r)
			return
		}
		begin := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(ww, r)
		s.log.Debug("request", zap.String("method", r.Method), zap.String("path", r.URL.Path),
			zap.String("remote", r.RemoteAddr), zap.Int("status", ww.Status()), zap.Int("bytes", ww.BytesWritten()),
			zap.Duration("took", time.Since(begin)))
	})
}

// boundWrites keeps clients that ask and do not read from holding connections. A stream sets its own deadlines.
func (s *Server) boundWrites(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Tests without a connection have no deadlines.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience + s.roster.Load().WriteTimeout))
		next.ServeHTTP(w, r)
	})
}
