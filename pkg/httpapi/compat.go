package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"camd/pkg/access"
	"camd/pkg/httpapi/request"
)

// compatMode is the program whose answers a route imitates. They differ from camd's own in headers alone.
type compatMode int

const (
	native compatMode = iota
	mjpgStreamer
	ustreamer
)

// cameraByNumber resolves a camera by its place in the configuration, as mjpg-streamer counts its inputs: from 0. Cameras that somebody may not
// see do not count for them.
func (s *Server) cameraByNumber(number int, mode compatMode, next func(http.ResponseWriter, *http.Request, cameraRequest)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		cfg := s.config.Load()
		visible := cfg.visibleTo(request.RequesterOf(r).Grant)
		switch {
		case len(visible) == 0:
			request.Fail(w, r, http.StatusNotFound, "no camera is configured")
		case number >= len(visible):
			request.Fail(w, r, http.StatusNotFound, fmt.Sprintf("no camera number %d; there are 0 to %d", number, len(visible)-1))
		default:
			id := visible[number]
			next(w, r, cameraRequest{cfg.target(id), mode})
		}
	}
}

// root is the dashboard, unless ?action= asks for what mjpg-streamer has there: action=stream, action=snapshot, either
// with _N for camera number N. As there, what follows these words does not matter.
func (s *Server) root(w http.ResponseWriter, r *http.Request) {
	action := actionOf(r.URL.RawQuery)
	switch {
	case action == "":
		if requester := request.RequesterOf(r); requester.Kind == access.ByLink {
			s.redirectToLinkedCamera(w, r, requester.Grant)
			return
		}
		s.servePage(w, r, "index.html")
	case strings.HasPrefix(action, "stream"):
		s.allowCrossOrigin(s.cameraByNumber(cameraNumber(action), mjpgStreamer, s.stream)).ServeHTTP(w, r)
	case strings.HasPrefix(action, "snapshot"):
		s.allowCrossOrigin(s.cameraByNumber(cameraNumber(action), mjpgStreamer, s.snapshot)).ServeHTTP(w, r)
	case strings.HasPrefix(action, "command"), strings.HasPrefix(action, "take"):
		request.Fail(w, r, http.StatusNotImplemented, "camd does not take mjpg-streamer's commands; controls are set by PATCH /api/v1/cameras/{camera}")
	default:
		request.Fail(w, r, http.StatusBadRequest, fmt.Sprintf("action=%q is not known; there are stream and snapshot, with _N for camera N", action))
	}
}

// actionOf finds action= in a query. mjpg-streamer goes by how the query begins, and so its clients keep their caches from
// answering by whatever they like behind it: "&1700000000", "?t=5", ";5". ustreamer finds it anywhere.
func actionOf(query string) string {
	for piece := range strings.FieldsFuncSeq(query, func(c rune) bool { return strings.ContainsRune("&?;", c) }) {
		if value, ok := strings.CutPrefix(piece, "action="); ok {
			if plain, err := url.QueryUnescape(value); err == nil {
				return plain
			}
			return value
		}
	}
	return ""
}

// cameraNumber reads the _N of an action: 0 without one or where N is no number, as mjpg-streamer has it.
func cameraNumber(action string) int {
	_, digits, _ := strings.Cut(action, "_")
	if end := strings.IndexFunc(digits, func(c rune) bool { return c < '0' || c > '9' }); end >= 0 {
		digits = digits[:end]
	}
	n, _ := strconv.Atoi(digits) // beyond counting, it is the largest number; of nothing, 0
	return n
}
