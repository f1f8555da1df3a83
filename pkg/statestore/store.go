// Package statestore keeps across restarts which cameras people have turned off.
//
// The state is one small JSON file in the state directory. The file is replaced as a whole, so that after a power failure it has
// either the old or the new content. Cameras that are not configured stay in the file, because they may be configured again.
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

// FileName is the name of the file in the state directory.
const FileName = "cameras.json"

// maxFileSize bounds the file, in bytes. A thousand cameras take less than a tenth of it.
const maxFileSize = 1 << 20

// ErrNoStateDir says that a change is not kept, because no state_dir is configured.
var ErrNoStateDir = errors.New("no state_dir is configured")

// ErrNotWritable says that changes cannot be kept. The state that was kept before has been read.
var ErrNotWritable = errors.New("changes cannot be saved")

// Store is the kept state of the cameras. Its methods are safe for concurrent use.
type Store struct {
	dir string

	mu       sync.Mutex
	cameras  map[string]cameraState
	dirty    bool // cameras has changes that are not in the file
	unloaded bool // the file has not been read, and must not be overwritten
}

// fileContent is the content of the file.
type fileContent struct {
	Cameras map[string]cameraState `json:"cameras"`
}

type cameraState struct {
	Paused *bool `json:"paused,omitempty"`
}

// Open returns the store of a directory, which it creates if necessary. It always returns a usable Store, also with an error:
//
//   - With ErrNotWritable, the store has the kept state and cannot write changes.
//   - If the file is damaged, it is renamed to cameras.json.damaged, and the store is empty.
//   - With any other error, the store is empty, and the file is not overwritten before it can be read.
//
// With an empty dir, Open returns no error, and the store keeps changes in memory only.
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
		return s, fmt.Errorf("%w: %w", ErrNotWritable, &os.PathError{Op: "write to", Path: dir, Err: err})
	}
	return s, nil
}

// load reads the file. Changes that were made before the file could be read take precedence over its content.
func (s *Store) load() error {
	path := filepath.Join(s.dir, FileName)
	cameras, err := readFile(path)
	switch {
	case errors.Is(err, errDamaged):
		aside := path + ".damaged"
		if failed := os.Rename(path, aside); failed != nil {
			return errors.Join(err, failed)
		}
		err = fmt.Errorf("%w (camd renamed it to %s)", err, aside)
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

// errDamaged says that a file does not have the expected content.
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

// Paused returns whether a camera is turned off. known is false if nobody has ever switched it.
func (s *Store) Paused(camera string) (paused, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.cameras[camera].Paused
	return p != nil && *p, p != nil
}

// SetPaused stores that a camera has been turned off or on. If it returns nil, the change is on disk, with all changes that
// earlier calls could not write. If it returns an error, the change is kept in memory only.
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

// save replaces the file. s.mu is held.
func (s *Store) save() error {
	if s.dir == "" {
		return ErrNoStateDir
	}
	if s.unloaded {
		if err := s.load(); err != nil {
			return fmt.Errorf("camd does not overwrite a file that it cannot read: %w", err)
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
