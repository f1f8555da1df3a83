package httpapi

import (
	"net/http"
	"net/url"
	"strings"

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

// fail answers a browser with a page that has a way back, and other programs with the error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err *request.Error, page web.ErrorPage) {
	if !wantsHTML(r) || strings.HasPrefix(r.URL.Path, "/api/") {
		err.Fail(w, r)
		return
	}
	if r.URL.Path != "/" {
		page.Back = "/"
		if request.RequesterOf(r).Kind == access.ByLink { // no other link is repeated in a page
			page.Back += "?" + url.Values{access.LinkParameter: {r.URL.Query().Get(access.LinkParameter)}}.Encode()
		}
	}
	s.pages.WriteError(w, err.Code, page, web.NewContentSecurityPolicy(s.config.Load().FrameAncestors))
}

// servePage serves one of the dashboard's pages.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request, name string) {
	s.pages.ServePage(w, r, name, web.NewContentSecurityPolicy(s.config.Load().FrameAncestors))
}

// cameraPage serves the page about one camera.
func (s *Server) cameraPage(w http.ResponseWriter, r *http.Request, target request.Target) {
	if request.RequesterOf(r).Kind == access.ByLink {
		s.showLinkPage(w, r, target)
		return
	}
	s.servePage(w, r, "camera.html")
}

// showLinkPage serves the page of a link: the picture of one camera, which is shown without scripts, too.
func (s *Server) showLinkPage(w http.ResponseWriter, r *http.Request, target request.Target) {
	query := url.Values{access.LinkParameter: {r.URL.Query().Get(access.LinkParameter)}}
	s.pages.WriteLink(w, web.LinkPage{
		Title: target.Camera.Status().Title, Stream: "/cameras/" + target.ID + "/stream.mjpg?" + query.Encode(), Until: request.RequesterOf(r).ExpiresAt,
	}, web.NewContentSecurityPolicy(s.config.Load().FrameAncestors))
}

// redirectToLinkedCamera redirects a request with a link to the page of the link's camera.
func (s *Server) redirectToLinkedCamera(w http.ResponseWriter, r *http.Request, g access.Grant) {
	visible := s.config.Load().visibleTo(g)
	if len(visible) == 0 {
		s.fail(w, r, request.Errorf(http.StatusNotFound, "the camera of this link is no longer configured"), web.ErrorPage{
			Title: "Not found", Message: "The camera of this link is no longer configured.",
		})
		return
	}
	seeOther(w, "/cameras/"+visible[0]+"?"+url.Values{access.LinkParameter: {r.URL.Query().Get(access.LinkParameter)}}.Encode())
}
