package httpapi

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"camd/pkg/camera"
)

// A sample of every camera is taken each sampleEvery, and kept for sampleEvery times mostSamples: ten minutes.
const (
	sampleEvery = 2 * time.Second
	mostSamples = 300
)

// Chronicler is a Camera that remembers the states it was in.
type Chronicler interface {
	History() []camera.Change // newest first, and not too many; safe for concurrent use
}

// diary is what there was to be seen of each camera in the last minutes. It takes 10 KB of memory a camera. A camera of another
// site has a row from when it is watched here or its history is asked for, until neither has been so for as long as a row reaches.
type diary struct {
	mu     sync.Mutex
	count  int // samples ever
	times  [mostSamples]time.Time
	rows   map[string]*row // by camera
	remote map[string]bool
}

// row is one camera's samples, beside the diary's times.
type row struct {
	first   int // the count of the first that is its own
	used    int // the count when it last had viewers or was asked for
	samples [mostSamples]sample
}

type sample struct {
	fps float64
	attendance
}

// attendance is how many viewers a camera has and how old their newest pictures were, on average and in seconds; NaN where
// nobody has any.
type attendance struct {
	viewers  int
	frameAge float64
}

func newDiary() *diary { return &diary{rows: map[string]*row{}} }

// follow makes the cameras those given: others are forgotten. remote are those of other sites.
func (d *diary) follow(cameras []string, remote map[string]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.rows
	d.rows, d.remote = map[string]*row{}, remote
	for _, id := range cameras {
		if before[id] != nil {
			d.rows[id] = before[id]
		} else if !remote[id] {
			d.begin(id)
		}
	}
}

// begin gives a camera a row, unless it has one. d.mu must be held.
func (d *diary) begin(id string) *row {
	if d.rows[id] == nil {
		d.rows[id] = &row{first: d.count, used: d.count}
	}
	return d.rows[id]
}

// keepDiary takes samples until ctx ends.
func (s *Server) keepDiary(ctx context.Context) {
	every := time.NewTicker(sampleEvery)
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
	watching, all := s.audience.attendance(), s.roster.Load()
	taken := make(map[string]sample, len(all.Cameras))
	for id, c := range all.Cameras {
		there, ok := watching[id]
		if !ok {
			there.frameAge = math.NaN()
		}
		taken[id] = sample{c.Status().Counts.FPS, there}
	}
	d := s.diary
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.count % mostSamples
	d.times[at] = now
	for id := range watching {
		if d.remote[id] {
			d.begin(id).used = d.count
		}
	}
	for id, row := range d.rows {
		if d.remote[id] && d.count-row.used >= mostSamples {
			delete(d.rows, id)
			continue
		}
		s, ok := taken[id]
		if !ok { // it has just come
			s.frameAge = math.NaN()
		}
		row.samples[at] = s
	}
	d.count++
}

// attendance returns that of each camera with viewers.
func (a *audience) attendance() map[string]attendance {
	type sum struct {
		present, aged int
		age           time.Duration
	}
	sums := map[string]*sum{}
	a.mu.Lock()
	for v := range a.viewers {
		s := sums[v.camera]
		if s == nil {
			s = &sum{}
			sums[v.camera] = s
		}
		s.present++
		if age, ok := v.FrameAge(); ok {
			s.aged++
			s.age += age
		}
	}
	a.mu.Unlock()
	all := make(map[string]attendance, len(sums))
	for id, s := range sums {
		all[id] = attendance{s.present, s.age.Seconds() / float64(s.aged)} // 0/0 is NaN
	}
	return all
}

type sampleJSON struct {
	Time     *time.Time `json:"time"`
	FPS      float64    `json:"fps"`
	FrameAge *float64   `json:"frame_age"` // null where nobody has a live picture
	Viewers  int        `json:"viewers"`
}

// of returns a camera's samples, oldest first.
func (d *diary) of(id string) []sampleJSON {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]sampleJSON, 0, mostSamples)
	row := d.rows[id]
	if row == nil && !d.remote[id] { // it has just gone
		return list
	}
	row = d.begin(id)
	row.used = d.count
	for i := max(row.first, d.count-mostSamples); i < d.count; i++ {
		s := row.samples[i%mostSamples]
		j := sampleJSON{Time: moment(d.times[i%mostSamples]), FPS: math.Round(s.fps*100) / 100, Viewers: s.viewers}
		if !math.IsNaN(s.frameAge) {
			age := math.Round(s.frameAge*1e6) / 1e6
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

func (s *Server) showHistory(w http.ResponseWriter, r *http.Request, v view) {
	states, me := []changeJSON{}, visitorOf(r).Grant
	if c, ok := v.camera.(Chronicler); ok {
		for _, h := range c.History() {
			states = append(states, changeJSON{h.State, h.Reason, h.Reason.Text(), forAdmin(me, v.id, h.Detail), moment(h.Since)})
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"states": states, "samples": s.diary.of(v.id)})
}
