package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"camd/pkg/config"
	"camd/pkg/source/options"
	"camd/pkg/statestore"
)

// openStateStore opens what is kept across restarts. camd serves without it, and says so loudly: a camera that somebody has switched
// off may be on again.
func openStateStore(cfg *config.Config, log *zap.Logger) *statestore.Store {
	dir := stateDir(cfg)
	m, err := statestore.Open(dir)
	switch {
	case errors.Is(err, statestore.ErrNotWritable):
		log.Error("state directory not writable", zap.Error(err),
			zap.String("remedy", "what people switch from now on is lost when camd restarts: "+stateRemedy(err, dir)))
	case err != nil:
		log.Error("switches not known", zap.Error(err),
			zap.String("remedy", "cameras begin as configured, and what was switched by a person may be forgotten: look which of them should be off; "+stateRemedy(err, dir)))
	}
	return m
}

// stateRemedy says what to do about an error in the state directory.
func stateRemedy(err error, dir string) string {
	const elsewhere = "set state_dir to a folder that camd may write to"
	switch {
	case errors.Is(err, unix.EROFS):
		return fmt.Sprintf("%s is on a read-only file system; mount it writable, or %s", dir, elsewhere)
	case errors.Is(err, os.ErrPermission):
		return fmt.Sprintf("the user that camd runs as must be able to read and write %s: sudo chown -R %d %[1]s && sudo chmod -R u+rwX %[1]s", dir, os.Geteuid())
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "the disk is full; free some space on the file system of " + dir
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, os.ErrExist):
		return fmt.Sprintf("%s, or what it is in, is a file and not a folder; remove the file, or %s", dir, elsewhere)
	}
	return fmt.Sprintf("look at %s, or %s", dir, elsewhere)
}

// systemdStateDir is what systemd has made for camd by StateDirectory=: the first, if they are several.
func systemdStateDir() string {
	if dirs := filepath.SplitList(os.Getenv("STATE_DIRECTORY")); len(dirs) > 0 {
		return dirs[0]
	}
	return ""
}

// newPauseSaver keeps what is switched. Where there is no place for it, nothing is lost of a switch to what the configuration says.
func newPauseSaver(m *statestore.Store, configured func(id string) bool) func(id string, paused bool) error {
	return func(id string, paused bool) error {
		err := m.SetPaused(id, paused)
		if errors.Is(err, statestore.ErrNoStateDir) && paused == configured(id) {
			return nil
		}
		return err
	}
}

// startsPaused says whether a camera begins switched off: what a person has set goes before the configuration.
func startsPaused(c options.Camera, m *statestore.Store) bool {
	if paused, known := m.Paused(c.ID); known {
		return paused
	}
	return c.Paused
}
