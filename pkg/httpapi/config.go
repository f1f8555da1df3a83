package httpapi

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/access"
	"camd/pkg/broker"
	"camd/pkg/connlimit"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/httpapi/wall"
)

// Config is what is served, and within which limits. It is not changed once the server has it.
type Config struct {
	Cameras     map[string]Camera // by ID
	Order       []string          // IDs as people want to see them; the first is what /stream and /?action=stream serve
	Limits      Limits
	Connections connlimit.Limits      // of any kind, whatever they ask for
	SendBuffer  int                   // bytes that the kernel may hold unsent for a viewer (TCP_NOTSENT_LOWAT); 0 leaves it to the system
	Auth        *access.Authenticator // who may see and do what; nil is full access for everyone
	Hosts       Hosts                 // by which names browsers may call this server, beside its addresses and localhost
	OwnOrigin   string                // what a proxy before it is to browsers, empty if there is none: an origin
	PublicURL   string                // where people reach this server, without a / at its end; empty: where they ask
	AllowOrigin []string              // whose pages' scripts may read pictures: origins or *; empty is nobody's
	// FrameAncestors are whose pages may have those of this server in a frame: self, origins, or none alone; empty is self.
	FrameAncestors []string
	WriteTimeout   time.Duration // a viewer that takes nothing for so long is cut; 0 means 10 s
	HSTS           time.Duration // for how long browsers that came encrypted come by https:// alone; 0: as they please
}

// activeConfig is a Config with what follows from it. A request reads it once, and uses it to its end.
type activeConfig struct {
	Config
	crossOrigin *http.CrossOriginProtection
	streamKeys  []viewers.Key // of this camd's cameras
	transports  []string
	frameAges   map[*broker.Topic]prometheus.Observer // of this camd's cameras
	remote      map[string]bool                       // cameras of other sites, which have series and history once they are watched
}

// newActiveConfig makes the metrics of every camera appear at zero.
func (s *Server) newActiveConfig(cfg Config) *activeConfig {
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = 10 * time.Second
	}
	if cfg.Limits.Viewers == 0 {
		cfg.Limits.Viewers = 500
	}
	if cfg.Auth == nil {
		cfg.Auth = openAuthenticator()
	}
	transports := []string{"http1", wall.Transport}
	if s.opts.TLS != nil {
		transports = append(transports, "http2")
	}
	active := &activeConfig{Config: cfg, transports: transports, crossOrigin: http.NewCrossOriginProtection(), frameAges: map[*broker.Topic]prometheus.Observer{}, remote: map[string]bool{}}
	if cfg.OwnOrigin != "" {
		_ = active.crossOrigin.AddTrustedOrigin(cfg.OwnOrigin) // what is no origin is nobody's
	}
	for id, c := range cfg.Cameras {
		if c.Status().Remote {
			active.remote[id] = true
			continue // there may be thousands, and a topic of theirs takes memory once it is asked for
		}
		for _, name := range c.Renditions() {
			topic, ok := c.Topic(name)
			if !ok {
				continue // it has just gone
			}
			active.frameAges[topic] = s.frameAge.WithLabelValues(id, name)
			for _, t := range transports {
				active.streamKeys = append(active.streamKeys, viewers.Key{Camera: id, Rendition: name, Transport: t})
			}
		}
	}
	return active
}

// SetConfig makes cfg what is served, from the next request on. Viewers of what is in it still, as they came, notice nothing;
// timeouts and limits are for those who come. It ends no stream: whoever takes a camera or a rendition away ends its topic. The
// series of what is gone go too. Viewers that lose access are cut. Calls must not overlap.
func (s *Server) SetConfig(cfg Config) {
	before, next := s.config.Load(), s.newActiveConfig(cfg)
	if before != nil {
		s.checkStarted() // those that come are in their first start, and the others may have left theirs
	}
	s.history.setCameras(next.Config.Order, next.remote)
	s.viewers.SetLimits(next.Limits)
	s.connLimiter.SetLimits(next.Connections)
	s.config.Store(next)
	if before != nil {
		s.deleteFrameAges(before.streamKeys, next.streamKeys)
		s.remotes.retain(next)
		next.Auth.EndStaleSessions()
		s.revalidate()
	}
}
