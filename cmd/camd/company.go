package main

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"camd/pkg/access"
	"camd/pkg/broker"
	"camd/pkg/bus"
	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/source"
)

// company is the cameras that are served: those of the configuration in force, and those of other sites. It keeps the server and
// the bus informed of them. It is safe for concurrent use.
type company struct {
	server *httpapi.Server
	bus    *bus.Bus // nil: there are none of other sites, and nobody is offered these
	moved  chan struct{}
	alone  bool        // it began without cameras of its own
	heard  atomic.Bool // of other sites' cameras, or that there are none

	mu   sync.Mutex // of the server's roster, too: its changes must not overlap
	cfg  *config.Config
	ours []*source.Camera
	gate *access.Gate
}

// newCompany makes the server of a configuration and its cameras, with options but for those that follow from them, and the bus
// if there is one.
func newCompany(cfg *config.Config, budget *broker.Budget, ours []*source.Camera, gate *access.Gate, o httpapi.Options) (*company, error) {
	c := &company{moved: make(chan struct{}, 1), alone: len(cfg.Cameras) == 0}
	if err := c.join(cfg, budget, &o); err != nil {
		return nil, err
	}
	o.Roster = roster(cfg, ours, gate)
	c.server = httpapi.New(o)
	c.change(cfg, ours, gate)
	return c, nil
}

// join prepares for the bus.
func (c *company) join(cfg *config.Config, budget *broker.Budget, served *httpapi.Options) error {
	if cfg.Bus == nil {
		return nil
	}
	o := busOptions(cfg)
	o.Log, o.Budget = served.Log, budget
	o.Changed = func() {
		select {
		case c.moved <- struct{}{}:
		default:
		}
	}
	var err error
	if c.bus, err = bus.New(o); err != nil {
		return err
	}
	served.Link = c.link
	served.Metrics.Register(busCollector{c})
	return nil
}

// busOptions is what a configuration makes of a bus; zero if it has none.
func busOptions(cfg *config.Config) bus.Options {
	b := cfg.Bus
	if b == nil {
		return bus.Options{}
	}
	o := bus.Options{
		URLs: b.Servers, Prefix: b.Prefix, Relay: cfg.IsRelay(), Version: version, Limits: pictureLimits(cfg),
		Account:    bus.Account{Credentials: b.Credentials, NKey: b.NKey, User: b.User, Password: string(b.Password), Token: string(b.Token)},
		TLS:        bus.TLS{CA: b.CA, First: b.HandshakeFirst},
		SiteLimits: bus.SiteLimits{Sites: b.MaxSites, Cameras: b.MaxCameras},
	}
	if b.Client != nil {
		o.TLS.Certificate, o.TLS.Key = b.Client.Certificate, b.Client.Key
	}
	if len(cfg.Cameras) > 0 {
		o.Site = cfg.Site
	}
	return o
}

// change makes the cameras those of a configuration, for those whom the gate lets in.
func (c *company) change(cfg *config.Config, ours []*source.Camera, gate *access.Gate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cfg, c.ours, c.gate = cfg, ours, gate
	c.server.Change(c.roster())
	if c.bus != nil {
		offered := make([]bus.Source, len(ours))
		for i, one := range ours {
			offered[i] = one
		}
		c.bus.Offer(offered)
	}
}

// restrict makes rules of access take effect before the cameras that they are for: until change, everybody may do only what both
// the rules in force and these allow. It ends the streams of viewers who may not watch any more.
func (c *company) restrict(gate *access.Gate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gate = gate.Within(c.gate)
	c.server.Change(c.roster())
}

// roster is what is served. The caller has locked c, or has it alone.
func (c *company) roster() httpapi.Roster {
	r := roster(c.cfg, c.ours, c.gate)
	for _, one := range c.theirs() {
		r.Order = append(r.Order, one.ID())
		r.Cameras[one.ID()] = one
	}
	return r
}

// theirs returns the cameras of other sites.
func (c *company) theirs() []visitor {
	if c.bus == nil {
		return nil
	}
	cameras := c.bus.Cameras()
	all := make([]visitor, len(cameras))
	for i, one := range cameras {
		all[i] = visitor{one}
	}
	return all
}

// Run serves other sites' cameras as they come and go, until ctx ends. The bus ends later, with leave.
func (c *company) Run(ctx, leave context.Context) {
	if c.bus == nil {
		return
	}
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { c.bus.Run(leave) })
	for {
		select {
		case <-c.moved:
			c.mu.Lock()
			c.server.Change(c.roster())
			c.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// link says how the bus is, for readiness.
func (c *company) link() httpapi.Link {
	s := c.bus.State()
	if s.Connected && (s.Sites+s.Silent > 0 || time.Since(s.Since) > busHearing) {
		c.heard.Store(true)
	}
	return httpapi.Link{Connected: s.Connected, Sites: s.Sites, Refused: s.Refused, Awaited: c.alone && !c.heard.Load()}
}

// statuses returns those of all cameras.
func (c *company) statuses() (all []camera.Status) {
	c.mu.Lock()
	ours := c.ours
	c.mu.Unlock()
	for _, one := range ours {
		all = append(all, one.Status())
	}
	for _, one := range c.theirs() {
		all = append(all, one.Status())
	}
	return all
}

// condition says in a line how all is.
func (c *company) condition() string {
	line := condition(c.statuses(), c.server.Viewers())
	if c.server.ServesLastGood() {
		line += ", last good configuration"
	}
	if c.bus == nil {
		return line
	}
	switch s := c.bus.State(); {
	case !s.Connected:
		line += ", bus not connected: " + cmp.Or(s.Problem, "not yet tried")
	case s.Silent > 0:
		line += ", bus: " + several(s.Sites, "other site") + ", and " + several(s.Silent, "silent one")
	default:
		line += ", bus: " + several(s.Sites, "other site")
	}
	return line
}

// visitor is a camera of another site.
type visitor struct{ *bus.Camera }

// Status is the camera's, with where it is.
func (v visitor) Status() camera.Status {
	s := v.Camera.Status()
	s.Site, s.Remote = v.Site(), true
	return s
}
