package access

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"camd/internal/atomicfile"
	"camd/internal/boundedfile"
)

// SessionsFile is the name of the sessions' file in the state directory.
const SessionsFile = "sessions.json"

// maxSessionsFile bounds that file, in bytes. A session takes about 250.
const maxSessionsFile = 4 << 20

// savedSession is a session in the file.
type savedSession struct {
	Hash        string    `json:"sum"` // of the cookie
	User        string    `json:"user"`
	Fingerprint string    `json:"print"` // of the password's hash
	CreatedAt   time.Time `json:"begun"`
	UsedAt      time.Time `json:"used"`
}

// OpenSessions returns the sessions of a file, or none if the file does not exist. If it returns an error, the file is damaged or
// cannot be read. The returned Sessions are then usable and empty: users have to log in again, and the file is overwritten.
func OpenSessions(o SessionOptions) (*Sessions, error) {
	s := &Sessions{path: o.Path, onError: o.OnError, all: map[secretHash]*session{}}
	s.SetLimits(o)
	if o.Path == "" {
		return s, nil
	}
	err := s.load()
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return s, err
}

// SetLimits sets the limits of all sessions, including existing ones. It ignores Path and OnError.
func (s *Sessions) SetLimits(o SessionOptions) {
	const day = 24 * time.Hour
	o.IdleTimeout, o.MaxAge, o.MaxSessions = cmp.Or(o.IdleTimeout, 7*day), cmp.Or(o.MaxAge, 30*day), cmp.Or(o.MaxSessions, 1000)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options = o
}

func (s *Sessions) load() error {
	data, err := boundedfile.Read(s.path, maxSessionsFile)
	if err != nil {
		return err
	}
	var all []savedSession
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("%s is damaged: %w", s.path, err)
	}
	for _, k := range all {
		key, err := decodeHash(k.Hash)
		fingerprint, err2 := decodeHash(k.Fingerprint)
		if errors.Join(err, err2) != nil {
			clear(s.all)
			return fmt.Errorf("%s is damaged: a hash must be 64 hexadecimal digits", s.path)
		}
		s.evict(time.Now())
		s.all[key] = &session{user: k.User, fingerprint: fingerprint, createdAt: k.CreatedAt, usedAt: k.UsedAt}
	}
	return nil
}

func decodeHash(text string) (s [32]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(s) {
		return s, errors.New("must be 64 hexadecimal digits")
	}
	return [32]byte(b), nil
}

// saveInterval is how often the file is written while sessions are only used. After a crash, times of last use may be that old.
const saveInterval = 5 * time.Minute

// Run writes the times of last use to the file now and then, and once more when ctx ends. New and ended sessions are written at
// once, without Run.
func (s *Sessions) Run(ctx context.Context) {
	tick := time.NewTicker(saveInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if s.isDirty() {
			s.save()
		}
	}
}

func (s *Sessions) isDirty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dirty
}

// save writes the file. s.mu must not be held, so that a slow disk does not delay requests with a session.
func (s *Sessions) save() {
	if s.path == "" {
		return
	}
	s.saveMu.Lock()
	defer s.saveMu.Unlock()
	data := s.snapshot()
	if err := atomicfile.Replace(s.path, data); err != nil && s.onError != nil {
		s.onError(fmt.Errorf("save sessions: %w", err))
	}
}

// snapshot returns the new content of the file.
func (s *Sessions) snapshot() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = false
	all := make([]savedSession, 0, len(s.all))
	for key, one := range s.all {
		all = append(all, savedSession{hex.EncodeToString(key[:]), one.user, hex.EncodeToString(one.fingerprint[:]), one.createdAt, one.usedAt})
	}
	data, _ := json.Marshal(all) // strings and times cannot fail
	return data
}
