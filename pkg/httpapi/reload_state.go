package httpapi

import (
	"sync"
	"time"
)

// reloadState is the outcome of the last reload. It begins as a success: camd does not start with a refused configuration.
type reloadState struct {
	mu sync.Mutex
	reloadStatus
}

type reloadStatus struct {
	ok, failed  uint64
	at          time.Time // time of the last reload, or of the start
	err         error     // of the last reload; nil if it succeeded
	restartKeys []string
	lastGood    time.Time // when the configuration in force was kept, if it is not the file's
}

// RecordReload records that the configuration was read again. err is nil if the new configuration is in force. Otherwise the one before
// stays in force, and err says why, for people and without secrets. restartKeys are the changed keys that take effect when camd restarts.
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

// SetLastGood records that the last good configuration is in force instead of the file's. It was saved at savedAt. err says why the file
// is not in force, for people and without secrets. This holds until RecordReload reports a success.
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

// configJSON is the state of the configuration in the answer of /readyz.
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
