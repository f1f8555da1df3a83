package httpapi

import (
	"context"
	"math"
	"sync"
	"time"

	"camd/pkg/httpapi/viewers"
)

// Every sampleInterval a sample of every camera is taken. It is kept for maxSamples intervals, which is ten minutes.
const (
	sampleInterval = 2 * time.Second
	maxSamples     = 300
)

// sampleHistory holds the samples of each camera for the last ten minutes. It takes 10 KB of memory for each camera. A camera of another
// site has samples only while it has viewers here or its history is requested. Ten minutes after that its samples are deleted.
type sampleHistory struct {
	mu     sync.Mutex
	count  int // samples taken since the start
	times  [maxSamples]time.Time
	rows   map[string]*cameraSamples // by camera
	remote map[string]bool
}

// cameraSamples is one camera's samples. Their times are in sampleHistory.
type cameraSamples struct {
	first    int // value of sampleHistory.count at its first sample
	lastUsed int // value of sampleHistory.count when it last had viewers or its history was requested
	samples  [maxSamples]sample
}

type sample struct {
	fps float64
	viewers.Sample
}

func newSampleHistory() *sampleHistory { return &sampleHistory{rows: map[string]*cameraSamples{}} }

// setCameras sets the cameras that have samples, and deletes the samples of others. remote are the cameras of other sites.
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

// ensureSamples adds a camera unless it is there. d.mu must be held.
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
		if !ok { // the camera was just added
			s.FrameAge = math.NaN()
		}
		row.samples[at] = s
	}
	history.count++
}
