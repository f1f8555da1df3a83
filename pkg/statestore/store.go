// Package statestore keeps across restarts what people have switched: which cameras are off.
//
// It is one small JSON file in a folder of camd's own. The file is replaced as a whole, so that a machine that loses power
// finds the old one or the new one. Cameras in it that nobody knows are kept: they may be configured again.
package statestore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"camd/internal/atomicfile"
	"camd/internal/boundedfile"
)

// FileName is the file's name in its folder.
const FileName = "cameras.json"

// maxFileSize bounds the file: a thousand cameras take less than a tenth of it.
const maxFileSize = 1 << 20

// ErrNoStateDir is why nothing is kept without a state_dir.
var ErrNoStateDir = errors.New("there is no state_dir to keep it in")

// ErrNotWritable is why nothing new can be kept, while what was kept before is known.
var ErrNotWritable = errors.New("nothing can be written")

// Store is what is kept. Its methods are safe for concurrent use.
type Store struct {
	dir string

	mu       sync.Mutex
	cameras  map[string]cameraState
	dirty    bool // the file does not say what cameras does
	unloaded bool // the file may say what cameras does not, and must not be written over
}

// fileContent is what the file holds.
type fileContent struct {
	Cameras map[string]cameraState `json:"cameras"`
}

type cameraState struct {
	Paused *bool `json:"paused,omitempty"`
}

// Open reads what is kept in a folder, which it makes if need be. Whatever its error, the Store is not nil. It knows what was kept
// if the error is ErrNotWritable, and nothing otherwise. A file that is damaged is set aside, and one that cannot be read is never written over. The empty folder's name
// is no error, and nothing is ever kept.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, cameras: map[string]cameraState{}}
	if dir == "" {
		return s, nil
	}
	s.unloaded = true
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return s, fmt.Errorf("state_dir: %w", err)
	}
	if err := s.load(); err != nil {
		return s, err
	}
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return s, fmt.Errorf("%w: %w", ErrNotWritable, &os.PathError{Op: "write into", Path: dir, Err: err})
	}
	return s, nil
}

// load reads the file. What somebody has switched before it could be read goes before what it says.
func (s *Store) load() error {
	path := filepath.Join(s.dir, FileName)
	cameras, err := readFile(path)
	switch {
	case errors.Is(err, errDamaged):
		aside := path + ".damaged"
		if failed := os.Rename(path, aside); failed != nil {
			return errors.Join(err, failed)
		}
		err = fmt.Errorf("%w; it is %s now", err, aside)
	case errors.Is(err, os.ErrNotExist):
		err = nil
	case err != nil:
		return err
	}
	if cameras == nil {
		cameras = map[string]cameraState{}
	}
	maps.Copy(cameras, s.cameras)
	s.cameras, s.unloaded = cameras, false
	return err
}

// errDamaged says that a file holds something else than it should.
var errDamaged = errors.New("damaged")

func readFile(path string) (map[string]cameraState, error) {
	data, err := boundedfile.Read(path, maxFileSize)
	if _, ok := errors.AsType[*boundedfile.TooLargeError](err); ok {
		return nil, fmt.Errorf("%s is %w: it is larger than 1 MiB", path, errDamaged)
	}
	if err != nil {
		return nil, err
	}
	var c fileContent
	if err = json.Unmarshal(data, &c); err == nil && c.Cameras == nil {
		err = errors.New(`it has no "cameras"`)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is %w: %w", path, errDamaged, err)
	}
	return c.Cameras, nil
}

// Paused returns whether somebody has switched a camera off; known is false if nobody ever switched it.
func (s *Store) Paused(camera string) (paused, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.cameras[camera].Paused
	return p != nil && *p, p != nil
}

// SetPaused keeps that somebody has switched a camera off or on. When it returns nil, that is on the disk. What an earlier
// call could not write goes with it.
func (s *Store) SetPaused(camera string, paused bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.cameras[camera]
	if e.Paused == nil || *e.Paused != paused {
		e.Paused = &paused
		s.cameras[camera] = e
		s.dirty = true
	}
	if !s.dirty {
		return nil
	}
	if err := s.save(); err != nil {
		return err
	}
	s.dirty = false
	return nil
}

// save replaces the file. m.mu is held.
func (s *Store) save() error {
	if s.dir == "" {
		return ErrNoStateDir
	}
	if s.unloaded {
		if err := s.load(); err != nil {
			return fmt.Errorf("what was kept before is not written over: %w", err)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(fileContent{s.cameras}); err != nil {
		return err
	}
	return atomicfile.Replace(filepath.Join(s.dir, FileName), b.Bytes())
}
