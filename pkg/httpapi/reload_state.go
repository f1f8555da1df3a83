package httpapi

import (
	"sync"
	"time"
)

// reloadState is what became of the configuration. It is good at the start, or camd would not be there.
type reloadState struct {
	mu sync.Mutex
	reloadStatus
}

type reloadStatus struct {
	ok, failed  uint64
	at          time.Time // of the last, or the start
	err         error     // of the last; nil if it was good
	restartKeys []string
	lastGood    time.Time // when the configuration in force was kept, if it is not the file's
}

// RecordReload notes that the configuration was read again. problem is why that of before stays in force, for people and without
// secrets; nil if the new one is. restartKeys are its keys that take effect when camd restarts.
func (s *Server) RecordReload(err error, restartKeys []string) {
	r := &s.reloadState
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.err = time.Now(), err
	if err != nil {
		r.failed++
		return
	}
	r.ok++
	r.restartKeys, r.lastGood = restartKeys, time.Time{}
}

// SetLastGood notes that the configuration in force is not the file's, but the last good one, which was kept at that time. problem
// says why, as for RecordReload. It holds until RecordReload gets a good file.
func (s *Server) SetLastGood(savedAt time.Time, err error) {
	r := &s.reloadState
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastGood, r.err = savedAt, err
}

// UsesLastGood reports whether the last good configuration is in force instead of the file's.
func (s *Server) UsesLastGood() bool { return !s.reloadState.current().lastGood.IsZero() }

func (r *reloadState) current() reloadStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reloadStatus
}

// configJSON is what /readyz says of the configuration.
type configJSON struct {
	OK      bool     `json:"ok"`
	Error   string   `json:"error,omitempty"`   // why the file is not in force
	Restart []string `json:"restart,omitempty"` // keys that take effect when camd restarts

	LastGood *time.Time `json:"last_good,omitempty"` // when the configuration in force was kept, if it is not the file's
}

func (r reloadStatus) toJSON() configJSON {
	j := configJSON{OK: r.err == nil, Restart: r.restartKeys}
	if r.err != nil {
		j.Error = r.err.Error()
	}
	if !r.lastGood.IsZero() {
		j.LastGood = &r.lastGood
	}
	return j
}
