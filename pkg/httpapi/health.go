package httpapi

import (
	"net/http"

	"camd/pkg/access"
	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
)

// healthz says that the daemon answers. It says nothing of cameras: restarting camd mends none.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}

// BusState is how the link to other camds is, by which cameras come from elsewhere.
type BusState struct {
	Connected       bool              `json:"connected"`
	Sites           int               `json:"sites"`             // other ones that were heard lately; to who may not see all cameras, those of which he may see one
	Refused         map[string]uint64 `json:"refused,omitempty"` // messages that were not taken, by reason; to administrators alone
	AwaitingCameras bool              `json:"-"`                 // no announcement of cameras has arrived yet
}

// readyz says whether it is worth sending viewers here: every camera has left its first start, in whatever direction, and
// camd is not stopping. A configuration that could not be taken changes nothing in that: the one before is in force.
//
// A relay is ready once it has heard which cameras there are. One that loses its link later stays so: its viewers have the
// placeholder here, and would have no more elsewhere.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	s.checkStarted()
	cfg := s.config.Load()
	grant, err := cfg.Auth.Identify(r) // without access the answer is the status alone
	if err != nil {
		s.logBadCredentials(r, cfg.Auth, err) // a guess is one here, too: what comes back tells whether it was right
	}
	states, sites := map[camera.State]int{}, map[string]bool{}
	for _, id := range cfg.visibleTo(grant) {
		st := cfg.Cameras[id].Status()
		states[st.State]++
		if st.Remote {
			sites[st.Site] = true
		}
	}
	config := s.reloadState.current().toJSON()
	if !grant.Allows(access.Admin, "") {
		config = configJSON{OK: config.OK} // the rest has names of cameras and files
	}
	code, status := http.StatusOK, "ready"
	answer := map[string]any{"cameras": states, "config": config}
	var bus BusState
	if s.opts.BusState != nil {
		bus = s.opts.BusState()
		if !grant.Allows(access.View, "") {
			bus.Sites = min(bus.Sites, len(sites))
		}
		if !grant.Allows(access.Admin, "") {
			bus.Refused = nil
		}
		answer["bus"] = bus
	}
	switch {
	case s.stopping.Load():
		code, status = http.StatusServiceUnavailable, "stopping"
	case !s.camerasStarted.Load(), bus.AwaitingCameras:
		code, status = http.StatusServiceUnavailable, "starting"
	}
	if code != http.StatusOK {
		w.Header().Set("Retry-After", "1")
	}
	answer["status"] = status
	request.WriteJSON(w, code, answer)
}

// current notes when all cameras of this camd have left their first start. That is for good: one that wakes, or comes,
// or is opened otherwise is no reason to send viewers elsewhere.
func (s *Server) checkStarted() {
	starting := 0
	for _, c := range s.config.Load().Cameras {
		st := c.Status()
		if st.State == camera.Starting && st.Reason != camera.Reconfigured && !st.Remote {
			starting++
		}
	}
	if starting == 0 {
		s.camerasStarted.Store(true)
	}
}
