package httpapi

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reloads is what became of the configuration. It is good at the start, or camd would not be there.
type reloads struct {
	mu sync.Mutex
	reloaded
}

type reloaded struct {
	ok, failed uint64
	at         time.Time // of the last, or the start
	problem    error     // of the last; nil if it was good
	pending    []string
	lastGood   time.Time // when the configuration in force was kept, if it is not the file's
}

// Reloaded notes that the configuration was read again. problem is why that of before stays in force, for people and without
// secrets; nil if the new one is. pending are the keys of it that take effect when camd starts anew.
func (s *Server) Reloaded(problem error, pending []string) {
	r := &s.reloads
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.problem = time.Now(), problem
	if problem != nil {
		r.failed++
		return
	}
	r.ok++
	r.pending, r.lastGood = pending, time.Time{}
}

// ServeLastGood notes that the configuration in force is not the file's, but the last good one, which was kept at that time. problem
// says why, as for Reloaded. It holds until Reloaded is told of a good file.
func (s *Server) ServeLastGood(kept time.Time, problem error) {
	r := &s.reloads
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastGood, r.problem = kept, problem
}

// ServesLastGood reports whether the last good configuration is in force instead of the file's.
func (s *Server) ServesLastGood() bool { return !s.reloads.look().lastGood.IsZero() }

func (r *reloads) look() reloaded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reloaded
}

// configJSON is what /readyz says of the configuration.
type configJSON struct {
	OK      bool     `json:"ok"`
	Error   string   `json:"error,omitempty"`   // why the file is not in force
	Restart []string `json:"restart,omitempty"` // keys that wait for camd to start anew

	LastGood *time.Time `json:"last_good,omitempty"` // when the configuration in force was kept, if it is not the file's
}

func (r reloaded) toJSON() configJSON {
	j := configJSON{OK: r.problem == nil, Restart: r.pending}
	if r.problem != nil {
		j.Error = r.problem.Error()
	}
	if !r.lastGood.IsZero() {
		j.LastGood = &r.lastGood
	}
	return j
}

var (
	descReloads  = desc("camd_config_reloads_total", "How often the configuration was read again while camd ran.", "result")
	descReloadOK = desc("camd_config_last_reload_success", "1 if the configuration that was read last is in force, 0 if it has mistakes and the one before is.")
	descReloadAt = desc("camd_config_last_reload_timestamp_seconds", "When the configuration was last read, as Unix time.")
)

func collectReloads(out chan<- prometheus.Metric, r reloaded) {
	counter(out, descReloads, r.ok, "ok")
	counter(out, descReloads, r.failed, "failed")
	gauge(out, descReloadOK, number(r.problem == nil))
	gauge(out, descReloadAt, unixTime(r.at))
}
