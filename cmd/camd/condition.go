package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/source"
)

// condition says in a line, for people, how it goes: 7 of 8 cameras live (yard is offline), 23 viewers.
func condition(cameras []camera.Status, viewers int) string {
	const named = 3 // more would fill the line
	live, others := 0, []string(nil)
	for _, s := range cameras {
		if s.State == camera.Live {
			live++
		} else {
			others = append(others, fmt.Sprintf("%s is %s", s.ID, s.State))
		}
	}
	line := fmt.Sprintf("%d of %s live", live, several(len(cameras), "camera"))
	if more := len(others) - named; more > 0 {
		others = append(others[:named], fmt.Sprintf("and %d more", more))
	}
	if len(others) > 0 {
		line += " (" + strings.Join(others, ", ") + ")"
	}
	return line + ", " + several(viewers, "viewer")
}

func several(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// crew is the cameras of the configuration in force. It is safe for concurrent use.
type crew struct{ now atomic.Pointer[muster] }

type muster struct {
	cameras []*source.Camera
	paused  map[string]bool // as the configuration has it, by camera
}

func (c *crew) change(cfg *config.Config, cameras []*source.Camera) {
	m := &muster{cameras, map[string]bool{}}
	for _, one := range cfg.Cameras {
		m.paused[one.ID] = one.Paused
	}
	c.now.Store(m)
}

func (c *crew) cameras() []*source.Camera { return c.now.Load().cameras }

func (c *crew) beginsPaused(id string) bool { return c.now.Load().paused[id] }

// Alive returns which camera's supervisor has made no progress since then, or nil.
func (c *crew) Alive(since time.Time) error {
	for _, one := range c.cameras() {
		if err := one.Alive(since); err != nil {
			return err
		}
	}
	return nil
}
