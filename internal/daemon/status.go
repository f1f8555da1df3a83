package daemon

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/source"
)

// statusLine summarizes the state for people: 7 of 8 cameras live (yard is offline), 23 viewers.
func statusLine(cameras []camera.Status, viewers int) string {
	const maxNamed = 3 // more would fill the line
	live, notLive := 0, []string(nil)
	for _, s := range cameras {
		if s.State == camera.Live {
			live++
		} else {
			notLive = append(notLive, fmt.Sprintf("%s is %s", s.ID, s.State))
		}
	}
	line := fmt.Sprintf("%d of %s live", live, pluralize(len(cameras), "camera"))
	if more := len(notLive) - maxNamed; more > 0 {
		notLive = append(notLive[:maxNamed], fmt.Sprintf("and %d more", more))
	}
	if len(notLive) > 0 {
		line += " (" + strings.Join(notLive, ", ") + ")"
	}
	return line + ", " + pluralize(viewers, "viewer")
}

func pluralize(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// cameraSet holds the cameras of the configuration in force. It is safe for concurrent use.
type cameraSet struct {
	snapshot atomic.Pointer[cameraSetSnapshot]
}

type cameraSetSnapshot struct {
	cameras []*source.Camera
	paused  map[string]bool // as the configuration has it, by camera
}

func (c *cameraSet) set(cfg *config.Config, cameras []*source.Camera) {
	m := &cameraSetSnapshot{cameras, map[string]bool{}}
	for _, one := range cfg.Cameras {
		m.paused[one.ID] = one.Paused
	}
	c.snapshot.Store(m)
}

func (c *cameraSet) cameras() []*source.Camera { return c.snapshot.Load().cameras }

func (c *cameraSet) isPausedInConfig(id string) bool { return c.snapshot.Load().paused[id] }

// Alive returns which camera's supervisor has made no progress since then, or nil.
func (c *cameraSet) Alive(since time.Time) error {
	for _, one := range c.cameras() {
		if err := one.Alive(since); err != nil {
			return err
		}
	}
	return nil
}
