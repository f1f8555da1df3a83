package httpapi

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"camd/pkg/access"
)

// viewerJSON is a viewer as the API shows it. Its address is a person's, and is shown nowhere else but in the log.
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

func (v *viewer) toJSON(now time.Time) viewerJSON {
	t := v.deliveryCounts()
	j := viewerJSON{
		ID: v.id, Camera: v.camera, Rendition: v.rendition, Transport: v.transport,
		Name: v.grant.Identity, Address: v.remote, UserAgent: v.userAgent, Since: jsonTime(v.Since),
		Sent: t.sent, Dropped: t.slow + t.rate + t.overLimit, Bytes: t.bytes, Throttled: v.throttled,
		DroppedFor: nonzero(map[string]uint64{dropSlow: t.slow, dropRate: t.rate, dropBytes: t.overLimit}),
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

// listViewers says who watches: all, or those of ?camera=.
func (s *Server) listViewers(w http.ResponseWriter, r *http.Request) {
	camera, requester := r.FormValue("camera"), requesterOf(r)
	if camera != "" {
		if _, bad := s.config.Load().findCamera(camera, requester.Grant); bad != nil {
			fail(w, r, bad.code, bad.message)
			return
		}
	}
	now, list := time.Now(), []viewerJSON{}
	for _, v := range s.viewers.sorted() {
		if (camera == "" || v.camera == camera) && requester.Allows(access.Admin, v.camera) {
			list = append(list, v.toJSON(now))
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"viewers": list})
}

// sorted returns the viewers by camera, and those of a camera in the order in which they came.
func (a *viewerRegistry) sorted() []*viewer {
	a.mu.Lock()
	viewers := slices.Collect(maps.Keys(a.viewers))
	a.mu.Unlock()
	slices.SortFunc(viewers, func(v, w *viewer) int {
		return cmp.Or(cmp.Compare(v.camera, w.camera), v.Since.Compare(w.Since), cmp.Compare(v.id, w.id))
	})
	return viewers
}
