package httpapi

import (
	"net/http"

	"camd/pkg/access"
	"camd/pkg/httpapi/compat"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/web"
)

// root serves the dashboard, unless ?action= asks for what mjpg-streamer has at this address.
func (s *Server) root(w http.ResponseWriter, r *http.Request) {
	action := compat.ParseAction(r.URL.RawQuery)
	if action == "" {
		s.dashboard(w, r)
		return
	}
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.compat.ServeAction(w, r, action) })
	if action.ServesPictures() {
		handler = s.allowCrossOrigin(handler)
	}
	handler.ServeHTTP(w, r)
}

// dashboard serves the dashboard. A link leads to the page of its camera instead.
func (s *Server) dashboard(w http.ResponseWriter, r *http.Request) {
	if requester := request.RequesterOf(r); requester.Kind == access.ByLink {
		s.redirectToLinkedCamera(w, r, requester.Grant)
		return
	}
	s.servePage(w, r, "index.html")
}

// servePage serves one of the dashboard's pages.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request, name string) {
	s.pages.ServePage(w, r, name, web.NewPolicy(s.config.Load().FrameAncestors))
}

// cameraPage is the page about one camera.
func (s *Server) cameraPage(w http.ResponseWriter, r *http.Request, target request.Target) {
	if request.RequesterOf(r).Kind == access.ByLink {
		s.showLinkPage(w, r, target)
		return
	}
	s.servePage(w, r, "camera.html")
}
