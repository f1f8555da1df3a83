// Package memory keeps across restarts what people have switched: which cameras are off.
//
// It is one small JSON file in a folder of camd's own. The file is replaced as a whole, so that a machine that loses power
// finds the old one or the new one. Cameras in it that nobody knows are kept: they may be configured again.
package memory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"camd/internal/whole"
)

// Name is the file's name in its folder.
const Name = "cameras.json"

// largest bounds the file: a thousand cameras take less than a tenth of it.
const largest = 1 << 20

// ErrNoPlace is why nothing is kept without a folder.
var ErrNoPlace = errors.New("there is no state_dir to keep it in")

// ErrNotWritable is why nothing new can be kept, while what was kept before is known.
var ErrNotWritable = errors.New("nothing can be written")

// Memory is what is kept. Its methods are safe for concurrent use.
type Memory struct {
	dir string

	mu      sync.Mutex
	cameras map[string]entry
	unsaved bool // the file does not say what cameras does
	unread  bool // the file may say what cameras does not, and must not be written over
}

// content is what the file holds.
type content struct {
	Cameras map[string]entry `json:"cameras"`
}

type entry struct {
	Paused *bool `json:"paused,omitempty"`
}

// Open reads what is kept in a folder, which it makes if need be. Whatever its error, the Memory is there. It knows what was kept
// if the error is ErrNotWritable, and nothing otherwise. A file that is damaged is set aside, and one that cannot be read is never written over. The empty folder's name
// is no error, and nothing is ever kept.
func Open(dir string) (*Memory, error) {
	m := &Memory{dir: dir, cameras: map[string]entry{}}
	if dir == "" {
		return m, nil
	}
	m.unread = true
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return m, fmt.Errorf("state_dir: %w", err)
	}
	if err := m.load(); err != nil {
		return m, err
	}
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return m, fmt.Errorf("%w: %w", ErrNotWritable, &os.PathError{Op: "write into", Path: dir, Err: err})
	}
	return m, nil
}

// load reads the file. What somebody has switched before it could be read goes before what it says.
func (m *Memory) load() error {
	path := filepath.Join(m.dir, Name)
	cameras, err := read(path)
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
		cameras = map[string]entry{}
	}
	maps.Copy(cameras, m.cameras)
	m.cameras, m.unread = cameras, false
	return err
}

// errDamaged says that a file holds something else than it should.
var errDamaged = errors.New("damaged")

func read(path string) (map[string]entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil {
		return nil, err
	}
	var c content
	err = json.Unmarshal(data, &c)
	switch {
	case len(data) > largest:
		err = errors.New("it is larger than 1 MiB")
	case err == nil && c.Cameras == nil:
		err = errors.New(`it has no "cameras"`)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is %w: %w", path, errDamaged, err)
	}
	return c.Cameras, nil
}

// Paused returns whether somebody has switched a camera off; known is false if nobody ever switched it.
func (m *Memory) Paused(camera string) (paused, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.cameras[camera].Paused
	return p != nil && *p, p != nil
}

// SetPaused keeps that somebody has switched a camera off or on. When it returns nil, that is on the disk. What an earlier
// call could not write goes with it.
func (m *Memory) SetPaused(camera string, paused bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.cameras[camera]
	if e.Paused == nil || *e.Paused != paused {
		e.Paused = &paused
		m.cameras[camera] = e
		m.unsaved = true
	}
	if !m.unsaved {
		return nil
	}
	if err := m.save(); err != nil {
		return err
	}
	m.unsaved = false
	return nil
}

// save replaces the file. m.mu is held.
func (m *Memory) save() error {
	if m.dir == "" {
		return ErrNoPlace
	}
	if m.unread {
		if err := m.load(); err != nil {
			return fmt.Errorf("what was kept before is not written over: %w", err)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(content{m.cameras}); err != nil {
		return err
	}
	return whole.Replace(filepath.Join(m.dir, Name), b.Bytes())
}
