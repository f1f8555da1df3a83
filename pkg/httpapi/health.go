package httpapi

import (
	"net/http"

	"camd/pkg/camera"
)

// healthz says that the daemon answers. It says nothing of cameras: restarting camd mends none.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}

// readyz says whether it is worth sending viewers here: every camera has left its first start, in whatever direction, and
// camd is not stopping. A configuration that could not be taken changes nothing in that: the one before is in force.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	states := map[camera.State]int{}
	for _, c := range s.roster.Load().Cameras {
		states[c.Status().State]++
	}
	if states[camera.Starting] == 0 {
		s.started.Store(true) // for good: an on-demand camera that wakes is no reason to send viewers elsewhere
	}
	code, status := http.StatusOK, "ready"
	switch {
	case s.stopping.Load():
		code, status = http.StatusServiceUnavailable, "stopping"
	case !s.started.Load():
		code, status = http.StatusServiceUnavailable, "starting"
	}
	writeJSON(w, code, map[string]any{"status": status, "cameras": states, "config": s.reloads.look().toJSON()})
}
