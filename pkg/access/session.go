package access

import (
	"crypto/sha256"
	"sync"
	"time"
)

// SessionOptions say how long sessions last and where they are kept.
type SessionOptions struct {
	Path        string        // of the file that keeps sessions across restarts; empty keeps them in memory only
	OnError     func(error)   // called when the file could not be written; may be nil
	IdleTimeout time.Duration // a session ends if it is not used for this long; 0 means 7 days
	MaxAge      time.Duration // a session ends at this age; 0 means 30 days
	MaxSessions int           // beyond it, a new session ends the oldest-used one of the user with the most; 0 means 1000
}

// Sessions are the sessions of users that have logged in. They outlive an [Authenticator]. Its methods are safe for concurrent use.
type Sessions struct {
	path    string
	onError func(error)
	saveMu  sync.Mutex // orders writes of the file

	mu      sync.Mutex
	options SessionOptions
	all     map[secretHash]*session
	dirty   bool // all has changes that are not in the file
}

// session is one session. EndStaleSessions ends it when its user is removed or gets another password.
type session struct {
	user              string
	fingerprint       [sha256.Size]byte
	createdAt, usedAt time.Time
}

// activeSession is a copy of a session, with its key and its end.
type activeSession struct {
	session
	key       secretHash
	expiresAt time.Time
}

// create creates a session and returns its id. The id is a secret for the cookie, and only its hash is kept.
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

// end ends a session. When it returns, the session is not in the file any more, unless the file could not be written.
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

// touchByID returns the session with the id of a cookie, and marks it as used now.
func (s *Sessions) touchByID(id string) (activeSession, bool) {
	return s.touch(sha256.Sum256([]byte(id)))
}

// touch returns the session with that key, and marks it as used now.
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

// isExpired reports whether a session is idle or old for too long. s.mu is held.
func (s *Sessions) isExpired(one *session, now time.Time) bool {
	return now.Sub(one.usedAt) > s.options.IdleTimeout || now.Sub(one.createdAt) > s.options.MaxAge
}

// evict removes expired sessions. If the limit is still reached, it removes one session of the user with the most, so that a user
// with many logins does not end the sessions of others. s.mu is held.
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

// evictable returns the key of the session that was used longest ago, of the user with the most sessions. s.mu is held.
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

// retain ends the sessions for which keep returns false.
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
