package httpapi

import (
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/access"
	"camd/pkg/broker"
	"camd/pkg/connlimit"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/httpapi/wall"
)

// Config is what the server serves, and within which limits. The caller does not change it once the server has it.
type Config struct {
	Cameras     map[string]Camera // by ID
	Order       []string          // IDs in the order of the pages; /stream and /?action=stream serve the first
	Limits      Limits
	Connections connlimit.Limits      // of any kind
	SendBuffer  int                   // bytes that the kernel may hold unsent for a viewer (TCP_NOTSENT_LOWAT); 0 leaves it to the system
	Auth        *access.Authenticator // the access of each requester; nil gives everyone full access
	Hosts       AllowedHosts          // names by which browsers may reach this server, in addition to its addresses and localhost
	OwnOrigin   string                // the origin that browsers see if a proxy is in front; empty without a proxy
	PublicURL   string                // where users reach this server, without a trailing slash; empty means the address of each request
	AllowOrigin []string              // origins whose scripts may read pictures, or *; empty allows none
	// FrameAncestors are the origins whose pages may show those of this server in a frame: self, origins, or only none. Empty means self.
	FrameAncestors []string
	WriteTimeout   time.Duration // a viewer that takes nothing for this long is disconnected; 0 means 10 s
	HSTS           time.Duration // how long browsers that used HTTPS must keep to it (Strict-Transport-Security); 0 sends no such header
}

// activeConfig is a Config and what the server derives from it. A request reads it once and uses it until its end.
type activeConfig struct {
	Config
	crossOrigin *http.CrossOriginProtection
	streamKeys  []viewers.Key // of this camd's cameras, by rendition
	trackKeys   []viewers.Key // of this camd's cameras, by track that the camera may have
	transports  []string
	frameAges   map[*broker.Topic]prometheus.Observer // of this camd's cameras
	remote      map[string]bool                       // the cameras of other sites
}

// newActiveConfig derives what a Config needs, and makes the metrics of every camera appear at zero.
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
		_ = active.crossOrigin.AddTrustedOrigin(cfg.OwnOrigin) // an invalid origin matches no request
	}
	for id, c := range cfg.Cameras {
		if c.Status().Remote {
			active.remote[id] = true
			continue // there can be thousands, and each topic takes memory once it is used
		}
		for _, name := range c.Renditions() {
			topic, ok := c.Topic(name)
			if !ok {
				continue // it was just removed
			}
			active.frameAges[topic] = s.frameAge.WithLabelValues(id, name)
			for _, t := range transports {
				active.streamKeys = append(active.streamKeys, viewers.Key{Camera: id, Rendition: name, Transport: t})
			}
		}
		s.addTracks(active, id, c)
	}
	return active
}

// SetConfig makes cfg what the server serves, from the next request on. Calls must not overlap.
//
// Viewers of streams that cfg still has are not interrupted. New timeouts and limits apply to new viewers. SetConfig ends no stream: the owner
// of a camera ends its topics when it removes the camera or a rendition. It deletes the series of removed streams, and disconnects
// viewers that lose access.
func (s *Server) SetConfig(cfg Config) {
	before, next := s.config.Load(), s.newActiveConfig(cfg)
	if before != nil {
		s.checkStarted() // before cameras are added that are in their first start
	}
	s.history.setCameras(next.Config.Order, next.remote)
	s.viewers.SetLimits(next.Limits)
	s.connLimiter.SetLimits(next.Connections)
	s.config.Store(next)
	if before != nil {
		s.deleteFrameAges(slices.Concat(before.streamKeys, before.trackKeys), slices.Concat(next.streamKeys, next.trackKeys))
		s.remotes.retain(next)
		next.Auth.EndStaleSessions()
		s.revalidate()
	}
}
