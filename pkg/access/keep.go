package access

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"camd/internal/whole"
)

// SessionsName is what the file of the sessions is called, in camd's own folder.
const SessionsName = "sessions.json"

// longestSessions bounds that file. A session takes about 250 bytes.
const longestSessions = 4 << 20

// kept is a session as the file has it.
type kept struct {
	Sum   string    `json:"sum"` // of the cookie
	User  string    `json:"user"`
	Print string    `json:"print"` // of the password's hash
	Begun time.Time `json:"begun"`
	Used  time.Time `json:"used"`
}

// OpenSessions returns the sessions that are kept in a file. Whatever its error, the Sessions are there, and empty: people have to
// log in again, and the file is written anew.
func OpenSessions(o SessionOptions) (*Sessions, error) {
	s := &Sessions{path: o.Path, failed: o.Failed, all: map[sum]*session{}}
	s.Limit(o)
	if o.Path == "" {
		return s, nil
	}
	err := s.load()
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return s, err
}

// Limit sets how long sessions last from now on, those that are there too. Path and Failed stay.
func (s *Sessions) Limit(o SessionOptions) {
	const day = 24 * time.Hour
	o.Idle, o.Lifetime, o.Most = cmp.Or(o.Idle, 7*day), cmp.Or(o.Lifetime, 30*day), cmp.Or(o.Most, 1000)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o = o
}

func (s *Sessions) load() error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, longestSessions+1))
	if err != nil {
		return err
	}
	var all []kept
	if len(data) > longestSessions {
		return fmt.Errorf("%s is larger than 4 MiB", s.path)
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("%s is damaged: %w", s.path, err)
	}
	for _, k := range all {
		key, err := unhex(k.Sum)
		print, err2 := unhex(k.Print)
		if errors.Join(err, err2) != nil {
			clear(s.all)
			return fmt.Errorf("%s is damaged: want 64 hexadecimal digits", s.path)
		}
		s.makeRoom(time.Now())
		s.all[key] = &session{user: k.User, print: print, begun: k.Begun, used: k.Used}
	}
	return nil
}

func unhex(digits string) (s [32]byte, err error) {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(s) {
		return s, errors.New("not a sum")
	}
	return [32]byte(b), nil
}

// saveEvery is how much of when sessions were last used a crash may cost.
const saveEvery = 5 * time.Minute

// Run keeps the file informed of which sessions are used, until ctx ends. Their beginnings and ends are written as they happen.
func (s *Sessions) Run(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if s.behind() {
			s.save()
		}
	}
}

func (s *Sessions) behind() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dirty
}

// save writes the file. s.mu is not held: a slow disk holds up nobody who has a session already.
func (s *Sessions) save() {
	if s.path == "" {
		return
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	data := s.snapshot()
	if err := whole.Replace(s.path, data); err != nil && s.failed != nil {
		s.failed(fmt.Errorf("keep sessions: %w", err))
	}
}

// snapshot is what the file should say.
func (s *Sessions) snapshot() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = false
	all := make([]kept, 0, len(s.all))
	for key, one := range s.all {
		all = append(all, kept{hex.EncodeToString(key[:]), one.user, hex.EncodeToString(one.print[:]), one.begun, one.used})
	}
	data, _ := json.Marshal(all) // of texts and times it cannot fail
	return data
}
