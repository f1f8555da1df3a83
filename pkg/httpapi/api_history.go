package httpapi

import (
	"math"
	"net/http"
	"time"

	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
)

// HistorySource is a Camera that remembers its states.
type HistorySource interface {
	History() []camera.StateChange // newest first, a bounded number; safe for concurrent use
}

type sampleJSON struct {
	Time     *time.Time `json:"time"`
	FPS      float64    `json:"fps"`
	FrameAge *float64   `json:"frame_age"` // null where nobody has a live picture
	Viewers  int        `json:"viewers"`
}

// samplesOf returns a camera's samples, oldest first.
func (d *sampleHistory) samplesOf(id string) []sampleJSON {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]sampleJSON, 0, maxSamples)
	row := d.rows[id]
	if row == nil && !d.remote[id] { // the camera was just removed
		return list
	}
	row = d.ensureSamples(id)
	row.lastUsed = d.count
	for i := max(row.first, d.count-maxSamples); i < d.count; i++ {
		s := row.samples[i%maxSamples]
		j := sampleJSON{Time: jsonTime(d.times[i%maxSamples]), FPS: math.Round(s.fps*100) / 100, Viewers: s.Viewers}
		if !math.IsNaN(s.FrameAge) {
			age := math.Round(s.FrameAge*1e6) / 1e6
			j.FrameAge = &age
		}
		list = append(list, j)
	}
	return list
}

// changeJSON is a state that the camera was in. Detail is empty unless the role is admin.
type changeJSON struct {
	State      camera.State  `json:"state"`
	Reason     camera.Reason `json:"reason"`
	ReasonText string        `json:"reason_text"`
	Detail     string        `json:"detail"`
	Since      *time.Time    `json:"since"`
}

func (s *Server) showHistory(w http.ResponseWriter, r *http.Request, target request.Target) {
	states, grant := []changeJSON{}, request.RequesterOf(r).Grant
	if c, ok := target.Camera.(HistorySource); ok {
		for _, h := range c.History() {
			states = append(states, changeJSON{h.State, h.Reason, h.Reason.Text(), forAdmin(grant, target.ID, h.Detail), jsonTime(h.Since)})
		}
	}
	request.WriteJSON(w, http.StatusOK, map[string]any{"states": states, "samples": s.history.samplesOf(target.ID)})
}
