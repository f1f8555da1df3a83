package daemon

import (
	"errors"

	"go.uber.org/zap"

	"camd/internal/statedir"
	"camd/pkg/config"
	"camd/pkg/source/options"
	"camd/pkg/statestore"
)

// openStateStore opens the state that survives restarts. On an error it logs the error and returns a store without state. Then a camera
// that a user has turned off may be on again.
func openStateStore(cfg *config.Config, log *zap.Logger) *statestore.Store {
	dir := statedir.Path(cfg.StateDir)
	m, err := statestore.Open(dir)
	switch {
	case errors.Is(err, statestore.ErrNotWritable):
		log.Error("state directory not writable", zap.Error(err),
			zap.String("remedy", "cameras that users turn off from now on are on again when camd restarts: "+statedir.Remedy(err, dir)))
	case err != nil:
		log.Error("paused cameras not loaded", zap.Error(err),
			zap.String("remedy", "cameras start as configured, so one that a user had turned off may be on: check which should be off; "+statedir.Remedy(err, dir)))
	}
	return m
}

// newPauseSaver returns a function that saves whether a camera is turned off. Without a state directory this fails, except for the
// configured state of a camera: that needs no saving.
func newPauseSaver(m *statestore.Store, configured func(id string) bool) func(id string, paused bool) error {
	return func(id string, paused bool) error {
		err := m.SetPaused(id, paused)
		if errors.Is(err, statestore.ErrNoStateDir) && paused == configured(id) {
			return nil
		}
		return err
	}
}

// startsPaused reports whether a camera starts turned off. If a user has turned it off or on, that overrides the configuration.
func startsPaused(c options.Camera, m *statestore.Store) bool {
	if paused, known := m.Paused(c.ID); known {
		return paused
	}
	return c.Paused
}
