package httpapi

import (
	"net/http"

	"camd/pkg/access"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/web"
)

// servePage serves one of the dashboard's pages.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request, name string) {
	s.pages.ServePage(w, r, name, web.NewPolicy(s.config.Load().FrameAncestors))
}

// cameraPage is the page about one camera.
func (s *Server) cameraPage(w http.ResponseWriter, r *http.Request, v cameraRequest) {
	if request.RequesterOf(r).Kind == access.ByLink {
		s.showLinkPage(w, r, v)
		return
	}
	s.servePage(w, r, "camera.html")
}
