package httpapi

import (
	"net/http"
	"time"

	"camd/pkg/access"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
)

// viewerJSON is a viewer as the API shows it. Its address is personal data. Only this list and the log show it.
type viewerJSON struct {
	ID         string            `json:"id"`
	Camera     string            `json:"camera"`
	Rendition  string            `json:"rendition"`
	Transport  string            `json:"transport"`
	Name       string            `json:"requester"`
	Address    string            `json:"address"`
	UserAgent  string            `json:"user_agent"`
	Since      *time.Time        `json:"since"`
	Sent       uint64            `json:"sent"`
	Dropped    uint64            `json:"dropped"`
	DroppedFor map[string]uint64 `json:"dropped_for"`
	Bytes      uint64            `json:"bytes"`
	FPS        *float64          `json:"fps"`
	FrameAge   *float64          `json:"frame_age"`
	Throttled  bool              `json:"throttled"`
}

func newViewerJSON(v *viewers.Viewer, now time.Time) viewerJSON {
	t := v.Totals()
	j := viewerJSON{
		ID: v.ID, Camera: v.Camera, Rendition: v.Rendition, Transport: v.Transport,
		Name: v.Grant.Identity, Address: v.Remote, UserAgent: v.UserAgent, Since: jsonTime(v.Since),
		Sent: t.Sent, Dropped: t.Dropped(), Bytes: t.Bytes, Throttled: v.Throttled,
		DroppedFor: nonzero(t.DroppedFor()),
	}
	if fps, ok := v.FPS(now); ok {
		j.FPS = &fps
	}
	if age, ok := v.FrameAge(); ok {
		seconds := age.Seconds()
		j.FrameAge = &seconds
	}
	return j
}

// listViewers lists all viewers, or those of ?camera=.
func (s *Server) listViewers(w http.ResponseWriter, r *http.Request) {
	camera, requester := r.FormValue("camera"), request.RequesterOf(r)
	if camera != "" {
		if _, bad := s.config.Load().findCamera(camera, requester.Grant); bad != nil {
			bad.Fail(w, r)
			return
		}
	}
	now, list := time.Now(), []viewerJSON{}
	for _, v := range s.viewers.Sorted() {
		if (camera == "" || v.Camera == camera) && requester.Allows(access.Admin, v.Camera) {
			list = append(list, newViewerJSON(v, now))
		}
	}
	request.WriteJSON(w, http.StatusOK, map[string]any{"viewers": list})
}
