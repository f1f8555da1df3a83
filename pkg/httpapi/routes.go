package httpapi

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.uber.org/zap"
)

func (s *Server) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(s.logRequests, s.boundWrites, securityHeaders, s.boundBodies, middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		fail(w, r, http.StatusNotFound, "nothing here; the dashboard is at /")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Allow", allowed(r, req.URL.Path))
		fail(w, req, http.StatusMethodNotAllowed, "this address takes no "+req.Method)
	})

	r.Get("/", s.root)
	r.Get("/assets/{file}", s.pages.asset)
	r.Route("/cameras/{camera}", func(r chi.Router) {
		r.Get("/", s.named(s.cameraPage))
		r.With(s.share).Get("/stream.mjpg", s.named(s.stream))
		r.With(s.share).Get("/snapshot.jpg", s.named(s.snapshot))
	})
	r.Route("/api/v1", func(r chi.Router) {
		r.Get("/wall", s.wall)
		r.Get("/cameras", s.listCameras)
		r.Get("/cameras/{camera}", s.named(s.showCamera))
		r.Patch("/cameras/{camera}", s.named(s.changeCamera))
		r.Get("/cameras/{camera}/controls", s.named(s.listControls))
		r.Get("/cameras/{camera}/history", s.named(s.showHistory))
		r.Get("/viewers", s.listViewers)
		r.Get("/openapi.json", showOpenAPI)
	})
	r.Get("/metrics", s.opts.Metrics.Handler().ServeHTTP)
	r.Get("/healthz", healthz)
	r.Get("/readyz", s.readyz)

	// ustreamer's addresses.
	r.Get("/stream", s.numbered(0, ustreamer, s.stream))
	r.Get("/snapshot", s.numbered(0, ustreamer, s.snapshot))
	r.Get("/state", s.numbered(0, ustreamer, s.ustreamerState))
	return r
}

// allowed lists the methods that an address takes.
func allowed(r chi.Routes, path string) string {
	methods := "GET, HEAD"
	if r.Match(chi.NewRouteContext(), http.MethodPatch, path) {
		methods += ", PATCH"
	}
	return methods
}

// view is a request for one camera.
type view struct {
	id     string
	camera Camera
	manner manner
	roster *roster // in which it was found
}

// named resolves {camera} in the address.
func (s *Server) named(next func(http.ResponseWriter, *http.Request, view)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := chi.URLParam(r, "camera")
		all := s.roster.Load()
		c, ok := all.Cameras[id]
		if !ok {
			fail(w, r, http.StatusNotFound, all.unknownCamera(id))
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

// share lets scripts of other servers' pages read pictures as far as the configuration does. A page may show them anyway.
func (s *Server) share(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := s.roster.Load().AllowOrigin; origin != "" {
			w.Header().Set("Access-Control-Allow-Origin", origin)
		}
		next.ServeHTTP(w, r)
	})
}

// securityHeaders keep a browser from reading more into an answer than it says.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}
