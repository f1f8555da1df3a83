package httpapi

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
)

// A sample of every camera is taken each sampleInterval, and kept for sampleInterval times maxSamples: ten minutes.
const (
	sampleInterval = 2 * time.Second
	maxSamples     = 300
)

// HistorySource is a Camera that remembers the states it was in.
type HistorySource interface {
	History() []camera.StateChange // newest first, and not too many; safe for concurrent use
}

// history holds the samples of each camera of the last minutes. It takes 10 KB of memory a camera. A camera of another
// site has samples from when it is watched here or its history is asked for, until neither has been so for as long as samples are kept.
type sampleHistory struct {
	mu     sync.Mutex
	count  int // samples ever
	times  [maxSamples]time.Time
	rows   map[string]*cameraSamples // by camera
	remote map[string]bool
}

// cameraSamples is one camera's samples, beside the times of sampleHistory.
type cameraSamples struct {
	first    int // the count of the first that is its own
	lastUsed int // the count when it last had viewers or was asked for
	samples  [maxSamples]sample
}

type sample struct {
	fps float64
	viewers.Sample
}

func newSampleHistory() *sampleHistory { return &sampleHistory{rows: map[string]*cameraSamples{}} }

// setCameras makes the cameras those given: others are forgotten. remote are those of other sites.
func (d *sampleHistory) setCameras(cameras []string, remote map[string]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.rows
	d.rows, d.remote = map[string]*cameraSamples{}, remote
	for _, id := range cameras {
		if before[id] != nil {
			d.rows[id] = before[id]
		} else if !remote[id] {
			d.ensureSamples(id)
		}
	}
}

// ensureSamples gives a camera its samples, unless it has them. d.mu must be held.
func (d *sampleHistory) ensureSamples(id string) *cameraSamples {
	if d.rows[id] == nil {
		d.rows[id] = &cameraSamples{first: d.count, lastUsed: d.count}
	}
	return d.rows[id]
}

// sampleLoop takes samples until ctx ends.
func (s *Server) sampleLoop(ctx context.Context) {
	every := time.NewTicker(sampleInterval)
	defer every.Stop()
	for {
		s.sample(time.Now())
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

// sample takes a sample of every camera.
func (s *Server) sample(now time.Time) {
	watched, cfg := s.viewers.Samples(), s.config.Load()
	taken := make(map[string]sample, len(cfg.Cameras))
	for id, c := range cfg.Cameras {
		current, ok := watched[id]
		if !ok {
			current.FrameAge = math.NaN()
		}
		taken[id] = sample{c.Status().Counts.FPS, current}
	}
	history := s.history
	history.mu.Lock()
	defer history.mu.Unlock()
	at := history.count % maxSamples
	history.times[at] = now
	for id := range watched {
		if history.remote[id] {
			history.ensureSamples(id).lastUsed = history.count
		}
	}
	for id, row := range history.rows {
		if history.remote[id] && history.count-row.lastUsed >= maxSamples {
			delete(history.rows, id)
			continue
		}
		s, ok := taken[id]
		if !ok { // it has just come
			s.FrameAge = math.NaN()
		}
		row.samples[at] = s
	}
	history.count++
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
	if row == nil && !d.remote[id] { // it has just gone
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

// changeJSON is a state that a camera was in. Detail is empty unless the role is admin.
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
