package daemon

import (
	"errors"

	"go.uber.org/zap"

	"camd/internal/statedir"
	"camd/pkg/config"
	"camd/pkg/source/options"
	"camd/pkg/statestore"
)

// openStateStore opens the state that survives restarts. On an error camd logs that and continues without it. Then a camera that a user
// has switched off may be on again.
func openStateStore(cfg *config.Config, log *zap.Logger) *statestore.Store {
	dir := statedir.Path(cfg.StateDir)
	m, err := statestore.Open(dir)
	switch {
	case errors.Is(err, statestore.ErrNotWritable):
		log.Error("state directory not writable", zap.Error(err),
			zap.String("remedy", "what people switch from now on is lost when camd restarts: "+statedir.Remedy(err, dir)))
	case err != nil:
		log.Error("switches not known", zap.Error(err),
			zap.String("remedy", "cameras begin as configured, and what was switched by a person may be forgotten: look which of them should be off; "+statedir.Remedy(err, dir)))
	}
	return m
}

// newPauseSaver returns a function that saves whether a camera is switched off. Without a state directory it is no error to switch a
// camera to its configured state, because nothing is lost.
func newPauseSaver(m *statestore.Store, configured func(id string) bool) func(id string, paused bool) error {
	return func(id string, paused bool) error {
		err := m.SetPaused(id, paused)
		if errors.Is(err, statestore.ErrNoStateDir) && paused == configured(id) {
			return nil
		}
		return err
	}
}

// startsPaused reports whether a camera starts switched off. What a user has switched overrides the configuration.
func startsPaused(c options.Camera, m *statestore.Store) bool {
	if paused, known := m.Paused(c.ID); known {
		return paused
	}
	return c.Paused
}
