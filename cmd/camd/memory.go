package main

import (
	"errors"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"camd/pkg/config"
	"camd/pkg/memory"
)

// recall opens what is kept across restarts. camd serves without it, and says so loudly: a camera that somebody has switched
// off may be on again.
func recall(cfg *config.Config, log *zap.Logger) *memory.Memory {
	m, err := memory.Open(stateDir(cfg))
	if err != nil {
		log.Error("switches not known", zap.Error(err),
			zap.String("remedy", "cameras begin as configured, and what was switched by a person may be forgotten: look which of them should be off"))
	}
	return m
}

// stateDirectory is what systemd has made for camd by StateDirectory=: the first, if they are several.
func stateDirectory() string {
	if dirs := filepath.SplitList(os.Getenv("STATE_DIRECTORY")); len(dirs) > 0 {
		return dirs[0]
	}
	return ""
}

// remember keeps what is switched. Where there is no place for it, nothing is lost of a switch to what the configuration says.
func remember(m *memory.Memory, configured func(id string) bool) func(id string, paused bool) error {
	return func(id string, paused bool) error {
		err := m.SetPaused(id, paused)
		if errors.Is(err, memory.ErrNoPlace) && paused == configured(id) {
			return nil
		}
		return err
	}
}

// beginsPaused says whether a camera begins switched off: a person's word goes before the configuration.
func beginsPaused(c config.Camera, m *memory.Memory) bool {
	if paused, known := m.Paused(c.ID); known {
		return paused
	}
	return c.Paused
}
