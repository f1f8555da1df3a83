package daemon

import (
	"sync/atomic"
	"time"

	"camd/pkg/config"
	"camd/pkg/source"
)

// localCameras holds the cameras of the configuration in force. It is safe for concurrent use.
type localCameras struct {
	snapshot atomic.Pointer[localCamerasSnapshot]
}

type localCamerasSnapshot struct {
	cameras []*source.Camera
	paused  map[string]bool // as the configuration has it, by camera
}

func (l *localCameras) set(cfg *config.Config, cameras []*source.Camera) {
	m := &localCamerasSnapshot{cameras, map[string]bool{}}
	for _, one := range cfg.Cameras {
		m.paused[one.ID] = one.Paused
	}
	l.snapshot.Store(m)
}

func (l *localCameras) cameras() []*source.Camera { return l.snapshot.Load().cameras }

func (l *localCameras) isPausedInConfig(id string) bool { return l.snapshot.Load().paused[id] }

// Alive returns nil if the supervisors of all cameras have made progress since then. Otherwise it returns an error that names the camera.
func (l *localCameras) Alive(since time.Time) error {
	for _, one := range l.cameras() {
		if err := one.Alive(since); err != nil {
			return err
		}
	}
	return nil
}
