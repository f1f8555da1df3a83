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

func (c *localCameras) set(cfg *config.Config, cameras []*source.Camera) {
	m := &localCamerasSnapshot{cameras, map[string]bool{}}
	for _, one := range cfg.Cameras {
		m.paused[one.ID] = one.Paused
	}
	c.snapshot.Store(m)
}

func (c *localCameras) cameras() []*source.Camera { return c.snapshot.Load().cameras }

func (c *localCameras) isPausedInConfig(id string) bool { return c.snapshot.Load().paused[id] }

// Alive returns nil if the supervisors of all cameras have made progress since then. Otherwise it returns an error that names the camera.
func (c *localCameras) Alive(since time.Time) error {
	for _, one := range c.cameras() {
		if err := one.Alive(since); err != nil {
			return err
		}
	}
	return nil
}
