package access

import (
	"crypto/sha256"
	"sync"
	"time"
)

// SessionOptions say how long sessions last and where they are kept.
type SessionOptions struct {
	Path        string        // of the file that keeps them across restarts; empty: they end with the process
	OnError     func(error)   // is told why the file could not be written; may be nil
	IdleTimeout time.Duration // a session that is not used for so long ends; default 7 days
	MaxAge      time.Duration // and at this age in any case; default 30 days
	MaxSessions int           // beyond so many one of whoever has the most ends, that was used longest ago; default 1000
}

// Sessions are those of people who have logged in. They outlive a [Authenticator]. Its methods are safe for concurrent use.
type Sessions struct {
	path    string
	onError func(error)
	saveMu  sync.Mutex // orders what the file says

	mu      sync.Mutex
	options SessionOptions
	all     map[secretHash]*session
	dirty   bool // the file does not say what all does
}

// session is one. It ends when its user goes, or the password that he logged in with.
type session struct {
	user              string
	fingerprint       [sha256.Size]byte
	createdAt, usedAt time.Time
}

// activeSession is a session that somebody has the cookie of.
type activeSession struct {
	session
	key       secretHash
	expiresAt time.Time
}

// create makes a session and returns its id, which is kept nowhere.
func (s *Sessions) create(user string, fingerprint [sha256.Size]byte) (string, activeSession) {
	id := randomText()
	now := time.Now()
	one := session{user: user, fingerprint: fingerprint, createdAt: now, usedAt: now}
	b := activeSession{session: one, key: sha256.Sum256([]byte(id))}
	s.mu.Lock()
	s.evict(now)
	s.all[b.key] = &one
	b.expiresAt = now.Add(s.options.MaxAge)
	s.mu.Unlock()
	s.save()
	return id, b
}

// end ends a session at once, and for good: when it returns, the file does not have it either.
func (s *Sessions) end(id string) {
	key := secretHash(sha256.Sum256([]byte(id)))
	s.mu.Lock()
	_, there := s.all[key]
	delete(s.all, key)
	s.mu.Unlock()
	if there {
		s.save()
	}
}

// touchByID returns the session of a cookie, and notes that it is used.
func (s *Sessions) touchByID(id string) (activeSession, bool) {
	return s.touch(sha256.Sum256([]byte(id)))
}

// touch returns a session by its key, and notes that it is used.
func (s *Sessions) touch(key secretHash) (activeSession, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	one := s.all[key]
	if one == nil || s.isExpired(one, now) {
		return activeSession{}, false
	}
	one.usedAt, s.dirty = now, true
	return activeSession{*one, key, one.createdAt.Add(s.options.MaxAge)}, true
}

// isExpired reports whether a session has ended by itself. s.mu is held.
func (s *Sessions) isExpired(one *session, now time.Time) bool {
	return now.Sub(one.usedAt) > s.options.IdleTimeout || now.Sub(one.createdAt) > s.options.MaxAge
}

// evict drops those that have ended by themselves, and beyond the bound one of whoever has the most: nobody ends others' by
// beginning many. s.mu is held.
func (s *Sessions) evict(now time.Time) {
	for key, one := range s.all {
		if s.isExpired(one, now) {
			delete(s.all, key)
		}
	}
	if len(s.all) >= s.options.MaxSessions {
		delete(s.all, s.evictable())
	}
}

// evictable is the session that was used longest ago, of whoever has the most. s.mu is held.
func (s *Sessions) evictable() (oldest secretHash) {
	count := map[string]int{}
	for _, one := range s.all {
		count[one.user]++
	}
	var found *session
	for key, one := range s.all {
		if found == nil || count[one.user] > count[found.user] || count[one.user] == count[found.user] && one.usedAt.Before(found.usedAt) {
			oldest, found = key, one
		}
	}
	return oldest
}

// retain ends those that keep is not for.
func (s *Sessions) retain(keep func(user string, fingerprint [sha256.Size]byte) bool) {
	s.mu.Lock()
	before := len(s.all)
	for key, one := range s.all {
		if !keep(one.user, one.fingerprint) {
			delete(s.all, key)
		}
	}
	changed := len(s.all) != before
	s.mu.Unlock()
	if changed {
		s.save()
	}
}
