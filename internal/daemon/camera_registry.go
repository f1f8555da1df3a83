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

// cameraRegistry holds the cameras that are served: those of the configuration in force and those of other sites. It informs the server
// and the bus when they change. It is safe for concurrent use.
type cameraRegistry struct {
	server                *httpapi.Server
	bus                   *bus.Bus // nil without a bus
	busChanged            chan struct{}
	startedWithoutCameras bool        // camd started without cameras of its own
	sitesKnown            atomic.Bool // other sites have announced cameras, or have had time to do so

	mu            sync.Mutex // also serializes calls of the server's SetConfig
	cfg           *config.Config
	localCameras  []*source.Camera
	authenticator *access.Authenticator
}

// newCameraRegistry makes the server of a configuration and its cameras, and the bus if there is one. o has the options of the server
// that do not depend on these.
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

// setUpBus makes the bus, and sets the options of the server that concern it.
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

// BusOptions returns the options of the bus that follow from a configuration. They are zero if it has no bus.
func BusOptions(cfg *config.Config) bus.Options {
	b := cfg.Bus
	if b == nil {
		return bus.Options{}
	}
	o := bus.Options{
		URLs: b.Servers, Prefix: b.Prefix, Relay: cfg.IsRelay(), Limits: frameLimits(cfg),
		Account:    bus.Account{Credentials: b.CredentialsFile, NKey: b.NKeyFile, User: b.User, Password: string(b.Password), Token: string(b.Token)},
		TLS:        bus.TLS{CA: b.CA, Certificate: b.Certificate, Key: b.Key, First: b.HandshakeFirst},
		SiteLimits: bus.SiteLimits{Sites: b.MaxSites, Cameras: b.MaxCameras},
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
		localCameras := make([]bus.LocalCamera, len(cameras))
		for i, one := range cameras {
			localCameras[i] = one
		}
		c.bus.SetLocalCameras(localCameras)
	}
}

// restrict allows every client only what both the rules in force and the given ones allow, until setCameras is called. It ends the streams
// of viewers that lose access. So lost access ends before the cameras have changed.
func (c *cameraRegistry) restrict(authenticator *access.Authenticator) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.authenticator = authenticator.Intersect(c.authenticator)
	c.server.SetConfig(c.serverConfig())
}

// serverConfig returns what the server serves. c.mu must be held, unless no other goroutine has c yet.
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

// runBus runs the bus, if there is one, until ctx ends.
func (c *cameraRegistry) runBus(ctx context.Context) {
	if c.bus != nil {
		c.bus.Run(ctx)
	}
}

// Run updates the server when cameras of other sites come and go, until ctx ends.
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

// busState returns the state of the bus for /readyz.
func (c *cameraRegistry) busState() httpapi.BusState {
	s := c.bus.State()
	if s.Connected && (s.Sites+s.Silent > 0 || time.Since(s.Since) > bus.DiscoveryTime) {
		c.sitesKnown.Store(true)
	}
	return httpapi.BusState{Connected: s.Connected, Sites: s.Sites, Refused: s.Refused, AwaitingCameras: c.startedWithoutCameras && !c.sitesKnown.Load()}
}

// statuses returns the statuses of all cameras.
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

// statusLine returns the state of all cameras in one line.
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
		line += ", bus: " + pluralize(s.Sites, "other site") + ", " + pluralize(s.Silent, "silent site")
	default:
		line += ", bus: " + pluralize(s.Sites, "other site")
	}
	return line
}

// remoteCamera is a camera of another site.
type remoteCamera struct{ *bus.Camera }

// Status returns the camera's status, with its site.
func (r remoteCamera) Status() camera.Status {
	s := r.Camera.Status()
	s.Site, s.Remote = r.Site(), true
	return s
}
