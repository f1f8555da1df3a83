package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"camd/pkg/access"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/web"
)

// visibleTo returns the cameras that a grant can see, in their order.
func (a *activeConfig) visibleTo(g access.Grant) []string {
	var visible []string
	for _, id := range a.Order {
		if g.CanSee(id) {
			visible = append(visible, id)
		}
	}
	return visible
}

// findCamera returns a camera that the grant can see. A hidden camera gives the same error as an unknown one.
func (a *activeConfig) findCamera(id string, g access.Grant) (request.Target, *request.Error) {
	if _, ok := a.Cameras[id]; ok && g.CanSee(id) {
		return a.target(id), nil
	}
	message := fmt.Sprintf("no camera %q: no camera is configured", id)
	if visible := a.visibleTo(g); len(visible) > 0 {
		message = fmt.Sprintf("no camera %q: the cameras are %s", id, strings.Join(visible, ", "))
	}
	return request.Target{}, request.Errorf(http.StatusNotFound, "%s", message)
}

// target returns a camera of the configuration for a request.
func (a *activeConfig) target(id string) request.Target {
	return request.Target{ID: id, Camera: a.Cameras[id], Limits: request.Limits{
		WriteTimeout: a.WriteTimeout, SendBuffer: a.SendBuffer, BytesPerSecond: a.Limits.ViewerBytesPerSecond, WaitingSnapshots: a.Limits.Viewers,
	}}
}

// currentCameras finds cameras in the current configuration.
type currentCameras struct{ server *Server }

// RevalidatedCamera returns a camera if the grant still holds and can see it.
func (c currentCameras) RevalidatedCamera(id string, g access.Grant) (request.Target, *request.Error) {
	cfg := c.server.config.Load()
	current, _ := cfg.Auth.Revalidate(g)
	return cfg.findCamera(id, current)
}

// NumberedCamera returns a camera by its position, from 0, among those that the grant can see.
func (c currentCameras) NumberedCamera(number int, g access.Grant) (request.Target, *request.Error) {
	cfg := c.server.config.Load()
	visible := cfg.visibleTo(g)
	switch {
	case len(visible) == 0:
		return request.Target{}, request.Errorf(http.StatusNotFound, "no camera is configured")
	case number >= len(visible):
		return request.Target{}, request.Errorf(http.StatusNotFound, "no camera number %d: the cameras have the numbers 0 to %d", number, len(visible)-1)
	}
	return cfg.target(visible[number]), nil
}

// cameraByID passes on requests whose requester has the role at the camera of the path. next gets that camera.
func (s *Server) cameraByID(role access.Role, next func(http.ResponseWriter, *http.Request, request.Target)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := chi.URLParam(r, "camera")
		cfg := s.config.Load()
		requester := request.RequesterOf(r)
		target, bad := cfg.findCamera(id, requester.Grant)
		if bad != nil {
			s.fail(w, r, bad, web.ErrorPage{Title: "Not found", Message: "There is no camera " + strconv.Quote(id) + ", or you have no access to it."})
			return
		}
		if !requester.Allows(role, id) {
			s.refuseForbidden(w, r, requester.Grant, role, id)
			return
		}
		next(w, r, target)
	}
}
