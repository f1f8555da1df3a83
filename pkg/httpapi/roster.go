package httpapi

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/access"
	"camd/pkg/broker"
)

// Roster is what is served, and within which limits. It is not changed once the server has it.
type Roster struct {
	Cameras     map[string]Camera // by ID
	Order       []string          // IDs as people want to see them; the first is what /stream and /?action=stream serve
	Limits      Limits
	Unsent      int          // bytes that the kernel may hold unsent for a viewer (TCP_NOTSENT_LOWAT); 0 leaves it to the system
	Gate        *access.Gate // who may see and do what; nil lets everybody do everything
	Hosts       Hosts        // by which names browsers may call this server, beside its addresses and localhost
	OwnOrigin   string       // what a proxy before it is to browsers, empty if there is none: an origin
	PublicURL   string       // where people reach this server, without a / at its end; empty: where they ask
	AllowOrigin []string     // whose pages' scripts may read pictures: origins or *; empty is nobody's
	// FrameAncestors are whose pages may have those of this server in a frame: self, origins, or none alone; empty is self.
	FrameAncestors []string
	WriteTimeout   time.Duration // a viewer that takes nothing for so long is cut; 0 means 10 s
	HSTS           time.Duration // for how long browsers that came encrypted come by https:// alone; 0: as they please
}

// roster is a Roster with what follows from it. A request reads it once, and goes by it to its end.
type roster struct {
	Roster
	foreign    *http.CrossOriginProtection
	seats      []seat // of this camd's cameras
	transports []string
	ages       map[*broker.Topic]prometheus.Observer // of this camd's cameras
	remote     map[string]bool                       // cameras of other sites, which have series and history once they are watched
}

// newRoster makes the series of every camera appear at zero.
func (s *Server) newRoster(r Roster) *roster {
	if r.WriteTimeout == 0 {
		r.WriteTimeout = 10 * time.Second
	}
	if r.Limits.Viewers == 0 {
		r.Limits.Viewers = 500
	}
	if r.Gate == nil {
		r.Gate = everybody()
	}
	transports := []string{"http1", wallTransport}
	if s.opts.TLS != nil {
		transports = append(transports, "http2")
	}
	now := &roster{Roster: r, transports: transports, foreign: http.NewCrossOriginProtection(), ages: map[*broker.Topic]prometheus.Observer{}, remote: map[string]bool{}}
	if r.OwnOrigin != "" {
		_ = now.foreign.AddTrustedOrigin(r.OwnOrigin) // what is no origin is nobody's
	}
	for id, c := range r.Cameras {
		if c.Status().Remote {
			now.remote[id] = true
			continue // there may be thousands, and a topic of theirs takes memory once it is asked for
		}
		for _, name := range c.Renditions() {
			topic, ok := c.Topic(name)
			if !ok {
				continue // it has just gone
			}
			now.ages[topic] = s.opts.Metrics.age(id, name)
			for _, t := range transports {
				now.seats = append(now.seats, seat{id, name, t})
			}
		}
	}
	return now
}

// Change makes now what is served, from the next request on. Viewers of what is in it still, as they came, notice nothing;
// timeouts and limits are for those who come. It ends no stream: whoever takes a camera or a rendition away ends its topic. The
// series of what is gone go too. Who may not watch any more by its gate is sent away. Calls must not overlap.
func (s *Server) Change(now Roster) {
	before, next := s.roster.Load(), s.newRoster(now)
	if before != nil {
		s.look() // those that come are in their first start, and the others may have left theirs
	}
	s.diary.follow(next.Roster.Order, next.remote)
	s.audience.limit(next.Limits)
	s.turnstile.Limit(next.Limits.Connections)
	s.roster.Store(next)
	if before != nil {
		s.opts.Metrics.forget(before.seats, next.seats)
		s.remotes.keep(next)
		next.Gate.Settle()
		s.review()
	}
}

// age returns what notes the ages of a topic's frames; of one that is not served any more they are noted nowhere.
func (s *Server) age(t *broker.Topic) prometheus.Observer {
	if o, ok := s.roster.Load().ages[t]; ok {
		return o
	}
	return s.remotes.age(t)
}

type nowhere struct{}

func (nowhere) Observe(float64) {}
