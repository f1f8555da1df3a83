package bus

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"camd/pkg/broker"
	"camd/pkg/media"
)

// relay finds the cameras of other sites and receives the renditions that viewers here watch.
type relay struct {
	ownSite, instance string // this site's name, if it has one, and this run of camd
	subjects          subjects
	connection        *connection
	log               *zap.Logger
	refuse            func(cause string)
	limits            media.Limits   // of a picture
	budget            *broker.Budget // of all topics
	changed           func()
	demand            chan struct{} // signalled when the demand of any topic changes
	list              atomic.Pointer[[]*Camera]

	siteLimits SiteLimits
	pending    pendingPieces // of all streams

	mu                 sync.Mutex
	announcementLimits rateLimits
	sites              map[string]*remoteSite
	cameras            int        // of all instances of all sites
	conn               *nats.Conn // for subscriptions to frames; nil before the first connection
	listChanged        bool       // list is out of date
	closed             bool
}

func newRelay(o Options, instance string, l *connection, refuse func(string)) *relay {
	r := &relay{ownSite: o.Site, instance: instance, subjects: subjects{o.Prefix}, connection: l, log: o.Log, refuse: refuse, limits: o.Limits.OrDefault(), budget: o.Budget,
		changed: o.Changed, demand: make(chan struct{}, 1), siteLimits: o.SiteLimits, pending: pendingPieces{refuse: refuse},
		announcementLimits: newAnnouncementLimits(o.SiteLimits.Sites), sites: map[string]*remoteSite{}}
	r.list.Store(&[]*Camera{})
	return r
}

// handleAnnouncement processes an announcement of another site.
func (r *relay) handleAnnouncement(name string, w announcement, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	s := r.sites[name]
	if s == nil {
		if w.Leaving {
			return
		}
		if len(r.sites) >= r.siteLimits.Sites && !r.evictSite(nil, now) {
			r.refuse(TooManySites)
			return
		}
		s = &remoteSite{name: name, relay: r, firstSeen: now, unknownInstances: unknownInstanceQuota(), instances: map[string]*siteInstance{}, cameras: map[string]*Camera{}}
		r.sites[name] = s
	}
	s.lastSeen = now
	known, incomplete := s.handleAnnouncement(w, now)
	if incomplete && now.Sub(s.lastRequest) >= pollInterval {
		s.lastRequest = now
		if conn, _ := r.connection.ready(); conn != nil {
			_ = conn.Publish(r.subjects.announceRequest(name), nil) // the next heartbeat causes another request
		}
	}
	if !known {
		s.sendInterest(now) // a new instance knows no relay's interests
	}
}

// updateSubscriptions subscribes to exactly the renditions that are watched, and sends changed interests to the sites.
func (r *relay) updateSubscriptions() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, s := range r.sites {
		changed := false
		for _, c := range s.cameras {
			changed = c.updateSubscriptions(r.conn, now) || changed
		}
		if changed {
			s.sendInterest(now)
		}
	}
}

// attach uses a connection that is up. isReconnect is true if the library has restored the subscriptions of the last connection.
func (r *relay) attach(conn *nats.Conn, isReconnect bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.conn = conn
	for _, s := range r.sites {
		for _, c := range s.cameras {
			if !isReconnect {
				c.dropSubscriptions()
			}
			c.updateSubscriptions(conn, now)
		}
		s.sendInterest(now)
	}
	// This asks all sites for complete announcements. If it is lost, their heartbeats lead to requests.
	_ = conn.Publish(r.subjects.discovery(), nil)
}

// refresh removes sites that have been silent for too long, repeats interests and updates the list. It is called every pollInterval.
func (r *relay) refresh() {
	now := time.Now()
	r.mu.Lock()
	for name, s := range r.sites {
		s.refresh(now)
		if len(s.instances) == 0 {
			delete(r.sites, name)
		}
		if now.Sub(s.lastInterest) >= announcementInterval || now.Sub(s.lastInterest) >= announcementInterval/2 && s.isWaiting() {
			s.sendInterest(now)
		}
		for _, c := range s.cameras {
			c.setSilent(s.silentReason(c, now))
		}
	}
	changed := r.rebuildList()
	r.mu.Unlock()
	if changed {
		r.changed()
	}
}

// publishPlaceholders updates the cameras' states and publishes placeholders, every pollInterval until ctx ends. It has its own
// goroutine. If many sites fail at once, it takes a while to draw hundreds of placeholders, and interests must not wait for that.
func (r *relay) publishPlaceholders(ctx context.Context) {
	every(ctx, pollInterval, func() {
		down := r.connection.down()
		all := *r.list.Load()
		for _, c := range all {
			c.updateState(time.Now(), down)
		}
		var draw errgroup.Group
		draw.SetLimit(runtime.GOMAXPROCS(0))
		for _, c := range all {
			if c.needsPlaceholder(time.Now()) {
				draw.Go(func() error { c.publishPlaceholders(time.Now()); return nil })
			}
		}
		_ = draw.Wait() // none fails
	})
}

// rebuildList rebuilds the list of cameras if it is out of date, and reports whether it was.
func (r *relay) rebuildList() bool {
	if !r.listChanged {
		return false
	}
	r.listChanged = false
	list := []*Camera{}
	for _, s := range r.sites {
		for _, id := range s.order {
			list = append(list, s.cameras[id])
		}
	}
	slices.SortStableFunc(list, func(a, b *Camera) int { return strings.Compare(a.site, b.site) })
	r.list.Store(&list)
	return true
}

// isFetching reports whether viewers here watch any camera of another site.
func (r *relay) isFetching() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sites {
		if s.hasInterest {
			return true
		}
	}
	return false
}

// clearInterest tells the sites that this relay watches nothing any more. The relay ignores later announcements.
func (r *relay) clearInterest() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, s := range r.sites {
		if s.hasInterest {
			r.sendInterest(s, interest{})
			s.hasInterest = false
		}
	}
}

// endTopics ends the topics of all cameras, and so the streams of their viewers.
func (r *relay) endTopics() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sites {
		for _, c := range s.cameras {
			c.endTopics()
		}
	}
}

// sendInterest sends an interest to a site.
func (r *relay) sendInterest(s *remoteSite, w interest) {
	w.Version, w.Relay = protocolVersion, r.instance
	_ = r.connection.publish(r.subjects.interest(s.name), w) // a lost one is repeated soon
}

// report writes the counts of sites and the received streams into to.
func (r *relay) report(to *State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, s := range r.sites {
		if s.isAlive(now) {
			to.Sites++
		} else {
			to.Silent++
		}
		for _, c := range s.cameras {
			to.Received = c.report(to.Received)
		}
	}
}
