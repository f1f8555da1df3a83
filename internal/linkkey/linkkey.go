// Package linkkey keeps the key that signs links in a file.
package linkkey

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"camd/internal/atomicfile"
	"camd/pkg/access"
	"camd/pkg/config"
)

// Path returns the file of the key that camd keeps in its state directory.
func Path(stateDir string) string { return filepath.Join(stateDir, "link.key") }

// ReadOrCreate returns the key in the state directory. It creates the key if that is missing.
func ReadOrCreate(stateDir string) (access.LinkKey, error) {
	path := Path(stateDir)
	key, err := Read(path)
	if !errors.Is(err, os.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	if err := Replace(path); err != nil {
		return nil, fmt.Errorf("create the key for links: %w", err)
	}
	return Read(path)
}

// Read returns the key in a file.
func Read(path string) (access.LinkKey, error) {
	text, err := config.ReadSecret(path)
	if err != nil {
		return nil, fmt.Errorf("key for links: %w", err)
	}
	key, err := access.ParseLinkKey(text)
	if err != nil {
		return nil, fmt.Errorf("key for links: %s: %w; to replace the key, run: camd rotate-links", path, err)
	}
	return key, nil
}

// Replace writes a new key to a file.
func Replace(path string) error { return atomicfile.Replace(path, []byte(access.NewLinkKey()+"\n")) }
