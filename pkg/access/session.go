package access

import (
	"crypto/sha256"
	"sync"
	"time"
)

// SessionOptions say how long sessions last and where they are kept.
type SessionOptions struct {
	Path     string        // of the file that keeps them across restarts; empty: they end with the process
	Idle     time.Duration // a session that is not used for so long ends; default 7 days
	Lifetime time.Duration // and at this age in any case; default 30 days
	Most     int           // beyond so many the one that was used longest ago ends; default 1000
}

// Sessions are those of people who have logged in. Its methods are safe for concurrent use. They outlive a [Gate].
type Sessions struct {
	path string

	mu    sync.Mutex
	o     SessionOptions
	all   map[sum]*session
	dirty bool // the file does not say what all does
}

// session is one. The user and his password's print end it when they change.
type session struct {
	user        string
	print       [sha256.Size]byte
	begun, used time.Time
}

// begun is a session that has begun.
type begun struct {
	key   sum
	until time.Time
}

// begin makes a session and returns its id, which is kept nowhere.
func (s *Sessions) begin(user string, print [sha256.Size]byte) (string, begun) {
	id := randomText()
	key, now := sum(sha256.Sum256([]byte(id))), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makeRoom(now)
	s.all[key] = &session{user: user, print: print, begun: now, used: now}
	s.save()
	return id, begun{key, now.Add(s.o.Lifetime)}
}

// end ends a session at once.
func (s *Sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sum(sha256.Sum256([]byte(id)))
	if s.all[key] != nil {
		delete(s.all, key)
		s.save()
	}
}

// use returns the session of a cookie, and notes that it is used.
func (s *Sessions) use(id string) (session, begun, bool) {
	key := sum(sha256.Sum256([]byte(id)))
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.alive(key, time.Now())
	if !ok {
		return session{}, begun{}, false
	}
	one.used, s.dirty = time.Now(), true
	return *one, begun{key, one.begun.Add(s.o.Lifetime)}, true
}

// look returns a session by its key, and notes nothing.
func (s *Sessions) look(key sum) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.alive(key, time.Now())
	if !ok {
		return session{}, false
	}
	return *one, true
}

// alive returns a session that has not ended by itself. s.mu is held.
func (s *Sessions) alive(key sum, now time.Time) (*session, bool) {
	one := s.all[key]
	if one == nil || now.Sub(one.used) > s.o.Idle || now.Sub(one.begun) > s.o.Lifetime {
		return nil, false
	}
	return one, true
}

// makeRoom drops those that have ended by themselves, and beyond the bound the one that was used longest ago. s.mu is held.
func (s *Sessions) makeRoom(now time.Time) {
	var oldest sum
	var at time.Time
	for key, one := range s.all {
		if _, ok := s.alive(key, now); !ok {
			delete(s.all, key)
		} else if at.IsZero() || one.used.Before(at) {
			oldest, at = key, one.used
		}
	}
	if len(s.all) >= s.o.Most {
		delete(s.all, oldest)
	}
}

// retain ends those that are not as keep says.
func (s *Sessions) retain(keep func(user string, print [sha256.Size]byte) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.all)
	for key, one := range s.all {
		if !keep(one.user, one.print) {
			delete(s.all, key)
		}
	}
	if len(s.all) != before {
		s.save()
	}
}
