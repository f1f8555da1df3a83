package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"camd/pkg/camera"
)

// numbered resolves a camera by its place in the configuration, as mjpg-streamer counts its inputs: from 0, and without
// a number the first.
func (s *Server) numbered(number string, next func(http.ResponseWriter, *http.Request, view)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i, err := 0, error(nil)
		if number != "" {
			i, err = strconv.Atoi(number)
		}
		switch {
		case len(s.opts.Order) == 0:
			fail(w, r, http.StatusNotFound, "no camera is configured")
		case err != nil || i < 0 || i >= len(s.opts.Order):
			fail(w, r, http.StatusNotFound, fmt.Sprintf("no camera number %s; there are 0 to %d", number, len(s.opts.Order)-1))
		default:
			next(w, r, view{s.opts.Order[i], s.opts.Cameras[s.opts.Order[i]]})
		}
	}
}

// root is the dashboard, unless ?action= asks for what mjpg-streamer has there: action=stream, action=snapshot, either
// with _N for camera number N.
func (s *Server) root(w http.ResponseWriter, r *http.Request) {
	action := r.FormValue("action")
	verb, number, _ := strings.Cut(action, "_")
	switch verb {
	case "":
		s.pages.serve(w, r, "index.html")
	case "stream":
		s.numbered(number, s.stream)(w, r)
	case "snapshot":
		s.numbered(number, s.snapshot)(w, r)
	default:
		fail(w, r, http.StatusBadRequest, fmt.Sprintf("action=%q is not known; there are stream and snapshot, with _N for camera N", action))
	}
}

// ustreamerState is the part of ustreamer's /state that its clients read.
func (s *Server) ustreamerState(w http.ResponseWriter, r *http.Request, v view) {
	st := v.camera.Status()
	clients := s.audience.watching()[v.id]
	encoder := "CPU"
	if st.Format.Passthrough {
		encoder = "HW" // ustreamer's word for JPEG that the camera made
	}
	type object = map[string]any
	writeJSON(w, http.StatusOK, object{"ok": true, "result": object{
		"instance_id": v.id,
		"encoder":     object{"type": encoder},
		"source": object{
			"online":       st.State == camera.Live,
			"resolution":   object{"width": st.Format.Width, "height": st.Format.Height},
			"desired_fps":  st.Format.FPS,
			"captured_fps": st.Counts.FPS,
		},
		"stream": object{"queued_fps": st.Counts.FPS, "clients": clients, "clients_stat": object{}},
	}})
}
