package httpapi

import (
	"net/http"

	"camd/pkg/access"
	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
)

// healthz reports that the daemon answers. It says nothing about cameras, because a restart of camd repairs none.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}

// BusState is the state of the bus, which brings the cameras of other sites.
type BusState struct {
	Connected       bool              `json:"connected"`
	Sites           int               `json:"sites"`             // other sites heard recently; /readyz counts those with a camera that the requester can see
	Refused         map[string]uint64 `json:"refused,omitempty"` // refused messages, by reason; /readyz shows them to administrators only
	AwaitingCameras bool              `json:"-"`                 // no announcement of cameras has arrived yet
}

// readyz reports whether camd is ready for viewers: every camera has left its first start, and camd is not stopping. A refused
// configuration does not change that, because the one before stays in force.
//
// A relay is ready once it has heard which cameras there are, and stays ready when it loses the bus. Its viewers then see the
// placeholder, and another camd would have no pictures for them either.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	s.checkStarted()
	cfg := s.config.Load()
	grant, err := cfg.Auth.Identify(r) // without access the answer has only the status
	if err != nil {
		s.logBadCredentials(r, cfg.Auth, err) // the answer shows whether guessed credentials are right
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
		config = configJSON{OK: config.OK} // the rest may name cameras and files
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

// checkStarted notes when all cameras of this camd have left their first start. It is never undone: a camera that is added, woken or
// reopened later is no reason to send viewers elsewhere.
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
