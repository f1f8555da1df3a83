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

// SessionsFile is what the file of the sessions is called, in camd's own folder.
const SessionsFile = "sessions.json"

// maxSessionsFile bounds that file. A session takes about 250 bytes.
const maxSessionsFile = 4 << 20

// savedSession is a session as the file has it.
type savedSession struct {
	Hash        string    `json:"sum"` // of the cookie
	User        string    `json:"user"`
	Fingerprint string    `json:"print"` // of the password's hash
	CreatedAt   time.Time `json:"begun"`
	UsedAt      time.Time `json:"used"`
}

// OpenSessions returns the sessions that are kept in a file. Whatever its error, the Sessions are there, and empty: people have to
// log in again, and the file is written anew.
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

// SetLimits sets how long sessions last from now on, those that are there too. Path and Failed stay.
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
			return fmt.Errorf("%s is damaged: want 64 hexadecimal digits", s.path)
		}
		s.evict(time.Now())
		s.all[key] = &session{user: k.User, fingerprint: fingerprint, createdAt: k.CreatedAt, usedAt: k.UsedAt}
	}
	return nil
}

func decodeHash(text string) (s [32]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(s) {
		return s, errors.New("not a sum")
	}
	return [32]byte(b), nil
}

// saveInterval is how much of when sessions were last used a crash may cost.
const saveInterval = 5 * time.Minute

// Run keeps the file informed of which sessions are used, until ctx ends. Their beginnings and ends are written as they happen.
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

// save writes the file. s.mu is not held: a slow disk holds up nobody who has a session already.
func (s *Sessions) save() {
	if s.path == "" {
		return
	}
	s.saveMu.Lock()
	defer s.saveMu.Unlock()
	data := s.snapshot()
	if err := atomicfile.Replace(s.path, data); err != nil && s.onError != nil {
		s.onError(fmt.Errorf("keep sessions: %w", err))
	}
}

// snapshot is what the file should say.
func (s *Sessions) snapshot() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = false
	all := make([]savedSession, 0, len(s.all))
	for key, one := range s.all {
		all = append(all, savedSession{hex.EncodeToString(key[:]), one.user, hex.EncodeToString(one.fingerprint[:]), one.createdAt, one.usedAt})
	}
	data, _ := json.Marshal(all) // of texts and times it cannot fail
	return data
}
