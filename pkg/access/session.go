package access

import (
	"crypto/sha256"
	"sync"
	"time"
)

// SessionOptions say how long sessions last and where they are kept.
type SessionOptions struct {
	Path     string        // of the file that keeps them across restarts; empty: they end with the process
	Failed   func(error)   // is told why the file could not be written; may be nil
	Idle     time.Duration // a session that is not used for so long ends; default 7 days
	Lifetime time.Duration // and at this age in any case; default 30 days
	Most     int           // beyond so many one of whoever has the most ends, that was used longest ago; default 1000
}

// Sessions are those of people who have logged in. They outlive a [Gate]. Its methods are safe for concurrent use.
type Sessions struct {
	path    string
	failed  func(error)
	writing sync.Mutex // orders what the file says

	mu    sync.Mutex
	o     SessionOptions
	all   map[sum]*session
	dirty bool // the file does not say what all does
}

// session is one. It ends when its user goes, or the password that he logged in with.
type session struct {
	user        string
	print       [sha256.Size]byte
	begun, used time.Time
}

// opened is a session that somebody has the cookie of.
type opened struct {
	session
	key   sum
	until time.Time
}

// begin makes a session and returns its id, which is kept nowhere.
func (s *Sessions) begin(user string, print [sha256.Size]byte) (string, opened) {
	id := randomText()
	now := time.Now()
	one := session{user: user, print: print, begun: now, used: now}
	b := opened{session: one, key: sha256.Sum256([]byte(id))}
	s.mu.Lock()
	s.makeRoom(now)
	s.all[b.key] = &one
	b.until = now.Add(s.o.Lifetime)
	s.mu.Unlock()
	s.save()
	return id, b
}

// end ends a session at once, and for good: when it returns, the file does not have it either.
func (s *Sessions) end(id string) {
	key := sum(sha256.Sum256([]byte(id)))
	s.mu.Lock()
	_, there := s.all[key]
	delete(s.all, key)
	s.mu.Unlock()
	if there {
		s.save()
	}
}

// use returns the session of a cookie, and notes that it is used.
func (s *Sessions) use(id string) (opened, bool) { return s.touch(sha256.Sum256([]byte(id))) }

// touch returns a session by its key, and notes that it is used.
func (s *Sessions) touch(key sum) (opened, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	one := s.all[key]
	if one == nil || s.over(one, now) {
		return opened{}, false
	}
	one.used, s.dirty = now, true
	return opened{*one, key, one.begun.Add(s.o.Lifetime)}, true
}

// over reports whether a session has ended by itself. s.mu is held.
func (s *Sessions) over(one *session, now time.Time) bool {
	return now.Sub(one.used) > s.o.Idle || now.Sub(one.begun) > s.o.Lifetime
}

// makeRoom drops those that have ended by themselves, and beyond the bound one of whoever has the most: nobody ends others' by
// beginning many. s.mu is held.
func (s *Sessions) makeRoom(now time.Time) {
	for key, one := range s.all {
		if s.over(one, now) {
			delete(s.all, key)
		}
	}
	if len(s.all) >= s.o.Most {
		delete(s.all, s.dispensable())
	}
}

// dispensable is the session that was used longest ago, of whoever has the most. s.mu is held.
func (s *Sessions) dispensable() (oldest sum) {
	count := map[string]int{}
	for _, one := range s.all {
		count[one.user]++
	}
	var found *session
	for key, one := range s.all {
		if found == nil || count[one.user] > count[found.user] || count[one.user] == count[found.user] && one.used.Before(found.used) {
			oldest, found = key, one
		}
	}
	return oldest
}

// retain ends those that keep is not for.
func (s *Sessions) retain(keep func(user string, print [sha256.Size]byte) bool) {
	s.mu.Lock()
	before := len(s.all)
	for key, one := range s.all {
		if !keep(one.user, one.print) {
			delete(s.all, key)
		}
	}
	changed := len(s.all) != before
	s.mu.Unlock()
	if changed {
		s.save()
	}
}
