package httpapi

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"camd/pkg/access"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/wall"
	"camd/pkg/httpapi/web"
)

// route is an address of the server, its handler, and the role that it needs.
type route struct {
	method, pattern string
	role            access.Role // at the camera if it names one
	serve           http.HandlerFunc
	camera          func(http.ResponseWriter, *http.Request, request.Target) // replaces serve for addresses that name a camera
}

// routeTable returns every address. Everyone can use those with publicRole.
func (s *Server) routeTable() []route {
	crossOrigin := func(next http.HandlerFunc) http.HandlerFunc { return s.allowCrossOrigin(next).ServeHTTP }
	return []route{
		{"GET", "/", access.View, s.root, nil},
		{"GET", "/assets/{file}", publicRole, s.pages.ServeAsset, nil},
		{"GET", "/login", publicRole, s.showLogin, nil},
		{"POST", "/login", publicRole, s.login, nil},
		{"POST", "/logout", publicRole, s.logout, nil},
		{"GET", "/cameras/{camera}", access.View, nil, s.cameraPage},
		{"GET", "/cameras/{camera}/stream.mjpg", access.View, nil, s.mjpeg.Serve},
		{"GET", "/cameras/{camera}/stream.mp4", access.View, nil, s.mp4.Serve},
		{"GET", "/cameras/{camera}/snapshot.jpg", access.View, nil, s.snapshots.Serve},
		{"GET", "/api/v1/wall", access.View, s.serveWall, nil},
		{"GET", "/api/v1/cameras", access.View, s.listCameras, nil},
		{"GET", "/api/v1/cameras/{camera}", access.View, nil, s.showCamera},
		{"PATCH", "/api/v1/cameras/{camera}", access.Control, nil, s.patchCamera},
		{"GET", "/api/v1/cameras/{camera}/controls", access.View, nil, s.listControls},
		{"GET", "/api/v1/cameras/{camera}/history", access.View, nil, s.showHistory},
		{"POST", "/api/v1/cameras/{camera}/links", access.Control, nil, s.createLink},
		{"GET", "/api/v1/viewers", access.Admin, s.listViewers, nil},
		{"GET", "/api/v1/me", anyRole, s.showMe, nil},
		{"GET", "/api/v1/openapi.json", anyRole, showOpenAPI, nil},
		{"GET", "/metrics", access.Metrics, s.mainMetricsHandler(), nil},
		{"GET", "/healthz", publicRole, healthz, nil},
		{"GET", "/readyz", publicRole, s.readyz, nil},
		// ustreamer's addresses.
		{"GET", "/stream", access.View, crossOrigin(s.compat.ServeStream), nil},
		{"GET", "/snapshot", access.View, crossOrigin(s.compat.ServeSnapshot), nil},
		{"GET", "/state", access.View, crossOrigin(s.compat.ServeState), nil},
	}
}

// servesPictures reports whether this is an address of pictures, which pages of other origins may show.
func (rt route) servesPictures() bool {
	return strings.HasSuffix(rt.pattern, ".mjpg") || strings.HasSuffix(rt.pattern, ".mp4") || strings.HasSuffix(rt.pattern, ".jpg")
}

func (s *Server) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(s.logRequests, s.limitWrites, s.securityHeaders, s.limitBodies, s.checkHost, s.refuseCrossSite, middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, request.Errorf(http.StatusNotFound, "there is nothing at this address: the dashboard is at /"), web.ErrorPage{
			Title: "Not found", Message: "There is no page at this address.",
		})
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Allow", allowed(r, req.URL.Path))
		request.Fail(w, req, http.StatusMethodNotAllowed, "this address does not support "+req.Method)
	})
	s.mount(r, s.routeTable())
	return r
}

// mount adds each route, and requires its role.
func (s *Server) mount(r chi.Router, table []route) {
	for _, rt := range table {
		serve := rt.serve
		if rt.camera != nil {
			serve = s.cameraByID(rt.role, rt.camera)
		}
		var handler http.Handler = s.requireRole(rt.role, serve)
		if rt.servesPictures() {
			handler = s.allowCrossOrigin(handler)
		}
		r.Method(rt.method, rt.pattern, handler)
		if rt.pattern == "/cameras/{camera}" {
			r.Method(rt.method, rt.pattern+"/", handler)
		}
	}
}

// metricsRoutes are the routes of an extra listener for metrics.
func (s *Server) metricsRoutes() http.Handler {
	r := chi.NewRouter()
	r.Use(s.logRequests, s.securityHeaders, s.checkHost, s.refuseCrossSite, middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		request.Fail(w, r, http.StatusNotFound, "this port has only /metrics, /healthz and /readyz: the cameras are at the address of listen in the configuration")
	})
	s.mount(r, []route{
		{"GET", "/metrics", access.Metrics, newMetricsHandler(s.opts.Metrics).ServeHTTP, nil},
		{"GET", "/healthz", publicRole, healthz, nil},
		{"GET", "/readyz", publicRole, s.readyz, nil},
	})
	return r
}

// mainMetricsHandler serves the metrics, unless they have a listener of their own.
func (s *Server) mainMetricsHandler() http.HandlerFunc {
	if !s.opts.SeparateMetrics {
		return newMetricsHandler(s.opts.Metrics).ServeHTTP
	}
	return func(w http.ResponseWriter, r *http.Request) {
		request.Fail(w, r, http.StatusNotFound, "the metrics are at another address: see metrics_listen in the configuration")
	}
}

// allowed returns the methods that an address supports.
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

// serveWall serves the dashboard's WebSocket.
func (s *Server) serveWall(w http.ResponseWriter, r *http.Request) {
	cfg := s.config.Load()
	s.walls.Serve(w, r, wall.Settings{WriteTimeout: cfg.WriteTimeout, SendBuffer: cfg.SendBuffer, OwnOrigin: cfg.OwnOrigin})
}
