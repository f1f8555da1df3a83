package daemon

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

// cameraRegistry is the cameras that are served: those of the configuration in force, and those of other sites. It keeps the server and
// the bus informed of them. It is safe for concurrent use.
type cameraRegistry struct {
	server                *httpapi.Server
	bus                   *bus.Bus // nil without a bus
	busChanged            chan struct{}
	startedWithoutCameras bool        // it began without cameras of its own
	sitesKnown            atomic.Bool // other sites have announced cameras, or had the time to do so

	mu            sync.Mutex // of the server's configuration, too: its changes must not overlap
	cfg           *config.Config
	localCameras  []*source.Camera
	authenticator *access.Authenticator
}

// newCameraRegistry makes the server of a configuration and its cameras, with options but for those that follow from them, and the bus
// if there is one.
func newCameraRegistry(cfg *config.Config, budget *broker.Budget, cameras []*source.Camera, authenticator *access.Authenticator, o httpapi.Options) (*cameraRegistry, error) {
	c := &cameraRegistry{busChanged: make(chan struct{}, 1), startedWithoutCameras: len(cfg.Cameras) == 0}
	if err := c.setUpBus(cfg, budget, &o); err != nil {
		return nil, err
	}
	o.Config = newServerConfig(cfg, cameras, authenticator)
	c.server = httpapi.New(o)
	if c.bus != nil {
		c.bus.RegisterMetrics(o.Metrics, c.server.WatchedRemoteStreams)
	}
	c.setCameras(cfg, cameras, authenticator)
	return c, nil
}

// setUpBus prepares for the bus.
func (c *cameraRegistry) setUpBus(cfg *config.Config, budget *broker.Budget, serverOptions *httpapi.Options) error {
	if cfg.Bus == nil {
		return nil
	}
	o := BusOptions(cfg)
	o.Version = serverOptions.Version
	o.Log, o.Budget = serverOptions.Log, budget
	o.Changed = func() {
		select {
		case c.busChanged <- struct{}{}:
		default:
		}
	}
	var err error
	if c.bus, err = bus.New(o); err != nil {
		return err
	}
	serverOptions.BusState = c.busState
	return nil
}

// BusOptions returns the options of a configuration's bus, without those of the process; zero if it has no bus.
func BusOptions(cfg *config.Config) bus.Options {
	b := cfg.Bus
	if b == nil {
		return bus.Options{}
	}
	o := bus.Options{
		URLs: b.Servers, Prefix: b.Prefix, Relay: cfg.IsRelay(), Limits: frameLimits(cfg),
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

// setCameras serves the cameras of a configuration, to the viewers that the authenticator allows.
func (c *cameraRegistry) setCameras(cfg *config.Config, cameras []*source.Camera, authenticator *access.Authenticator) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cfg, c.localCameras, c.authenticator = cfg, cameras, authenticator
	c.server.SetConfig(c.serverConfig())
	if c.bus != nil {
		offered := make([]bus.LocalCamera, len(cameras))
		for i, one := range cameras {
			offered[i] = one
		}
		c.bus.SetLocalCameras(offered)
	}
}

// restrict makes rules of access take effect before the cameras that they are for: until change, everybody may do only what both
// the rules in force and these allow. It ends the streams of viewers who may not watch any more.
func (c *cameraRegistry) restrict(authenticator *access.Authenticator) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.authenticator = authenticator.Intersect(c.authenticator)
	c.server.SetConfig(c.serverConfig())
}

// newServerConfig is what is served. The caller has locked c, or has it alone.
func (c *cameraRegistry) serverConfig() httpapi.Config {
	r := newServerConfig(c.cfg, c.localCameras, c.authenticator)
	for _, one := range c.remoteCameras() {
		r.Order = append(r.Order, one.ID())
		r.Cameras[one.ID()] = one
	}
	return r
}

// remoteCameras returns the cameras of other sites.
func (c *cameraRegistry) remoteCameras() []remoteCamera {
	if c.bus == nil {
		return nil
	}
	cameras := c.bus.Cameras()
	all := make([]remoteCamera, len(cameras))
	for i, one := range cameras {
		all[i] = remoteCamera{one}
	}
	return all
}

// runBus keeps the connection to other sites, if there is a bus, until ctx ends.
func (c *cameraRegistry) runBus(ctx context.Context) {
	if c.bus != nil {
		c.bus.Run(ctx)
	}
}

// Run serves other sites' cameras as they come and go, until ctx ends.
func (c *cameraRegistry) Run(ctx context.Context) {
	if c.bus == nil {
		return
	}
	for {
		select {
		case <-c.busChanged:
			c.mu.Lock()
			c.server.SetConfig(c.serverConfig())
			c.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// publicURL returns public_url of the configuration in force.
func (c *cameraRegistry) publicURL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cfg.PublicURL
}

// busState says how the bus is, for readiness.
func (c *cameraRegistry) busState() httpapi.BusState {
	s := c.bus.State()
	if s.Connected && (s.Sites+s.Silent > 0 || time.Since(s.Since) > bus.DiscoveryTime) {
		c.sitesKnown.Store(true)
	}
	return httpapi.BusState{Connected: s.Connected, Sites: s.Sites, Refused: s.Refused, AwaitingCameras: c.startedWithoutCameras && !c.sitesKnown.Load()}
}

// statuses returns those of all cameras.
func (c *cameraRegistry) statuses() (all []camera.Status) {
	c.mu.Lock()
	cameras := c.localCameras
	c.mu.Unlock()
	for _, one := range cameras {
		all = append(all, one.Status())
	}
	for _, one := range c.remoteCameras() {
		all = append(all, one.Status())
	}
	return all
}

// statusLine says in a line how all is.
func (c *cameraRegistry) statusLine() string {
	line := statusLine(c.statuses(), c.server.Viewers())
	if c.server.UsesLastGood() {
		line += ", last good configuration"
	}
	if c.bus == nil {
		return line
	}
	switch s := c.bus.State(); {
	case !s.Connected:
		line += ", bus not connected: " + cmp.Or(s.Problem, "not yet tried")
	case s.Silent > 0:
		line += ", bus: " + pluralize(s.Sites, "other site") + ", and " + pluralize(s.Silent, "silent one")
	default:
		line += ", bus: " + pluralize(s.Sites, "other site")
	}
	return line
}

// remoteCamera is a camera of another site.
type remoteCamera struct{ *bus.Camera }

// Status is the camera's, with where it is.
func (v remoteCamera) Status() camera.Status {
	s := v.Camera.Status()
	s.Site, s.Remote = v.Site(), true
	return s
}
