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
	"camd/pkg/mjpeg"
)

// relay finds the cameras of other sites and fetches what viewers here watch of them.
type relay struct {
	own, instance string // this site's name, if it has one, and this run of camd
	subjects      subjects
	link          *link
	log           *zap.Logger
	refuse        func(cause string)
	limits        mjpeg.Limits   // of a picture
	budget        *broker.Budget // of all topics
	changed       func()
	demand        chan struct{} // all topics' changes of demand
	list          atomic.Pointer[[]*Camera]

	siteLimits SiteLimits
	unjoined   unjoined // of all streams

	mu      sync.Mutex
	intake  intake
	sites   map[string]*site
	cameras int        // of all their boxes
	conn    *nats.Conn // where frames are listened to; nil before the first
	news    bool       // list is not what sites say
	over    bool
}

func newRelay(o Options, instance string, l *link, refuse func(string)) *relay {
	r := &relay{own: o.Site, instance: instance, subjects: subjects{o.Prefix}, link: l, log: o.Log, refuse: refuse, limits: o.Limits.OrDefault(), budget: o.Budget,
		changed: o.Changed, demand: make(chan struct{}, 1), siteLimits: o.SiteLimits, unjoined: unjoined{refuse: refuse},
		intake: announcementIntake(o.SiteLimits.Sites), sites: map[string]*site{}}
	r.list.Store(&[]*Camera{})
	return r
}

// admits decides whether an announcement is read, by what is known without reading it. If not, it returns the reason.
func (r *relay) admits(site, box string, size int, now time.Time) (known bool, refused string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var of *publisher
	s := r.sites[site]
	if s != nil {
		if b := s.boxes[box]; b != nil {
			of = b.publisher
		} else if !s.intake.allows(now, size) {
			return false, TooFast
		}
	}
	switch {
	case !r.intake.allows(of, size, now):
		return false, TooFast
	case s == nil && len(r.sites) >= r.siteLimits.Sites && r.replaceable(nil, now) == nil:
		return false, TooManySites
	}
	return of != nil, ""
}

// replaceable returns the site that has been silent for longest of those that a new site may replace: nobody watches them, and
// they were heard for a short time only. It is nil if there is none. It leaves out one site.
func (r *relay) replaceable(but *site, now time.Time) (oldest *site) {
	for _, s := range r.sites {
		if s == but || s.watching || s.heard.Sub(s.first) >= longStanding || s.alive(now) {
			continue
		}
		if oldest == nil || s.heard.Before(oldest.heard) {
			oldest = s
		}
	}
	return oldest
}

// replace makes room: it forgets a site that others may replace, and reports whether there was one.
func (r *relay) replace(but *site, now time.Time) bool {
	s := r.replaceable(but, now)
	if s == nil {
		return false
	}
	for _, b := range s.boxes {
		s.forget(b)
	}
	s.arrange(now)
	delete(r.sites, s.name)
	return true
}

// hear takes what a box of another site says.
func (r *relay) hear(name string, w word, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	s := r.sites[name]
	if s == nil {
		if w.Gone {
			return
		}
		if len(r.sites) >= r.siteLimits.Sites && !r.replace(nil, now) {
			r.refuse(TooManySites)
			return
		}
		s = &site{name: name, relay: r, first: now, intake: boxIntake(), boxes: map[string]*box{}, cameras: map[string]*Camera{}}
		r.sites[name] = s
	}
	s.heard = now
	known, ask := s.hear(w, now)
	if ask && now.Sub(s.asked) >= glance {
		s.asked = now
		if conn, _ := r.link.ready(); conn != nil {
			_ = conn.Publish(r.subjects.ask(name), nil) // its next beat is another chance
		}
	}
	if !known {
		s.wish(now) // a box that has just come knows of no relay's wishes
	}
}

// fit returns those of a box's cameras that there is room for beside all others', in their order. Those that it had before come
// first.
func (r *relay) fit(s *site, b *box, cameras []told, now time.Time) []told {
	others := r.cameras - len(b.cameras)
	for others+len(cameras) > r.siteLimits.Cameras && r.replace(s, now) {
		others = r.cameras - len(b.cameras)
	}
	room := min(r.siteLimits.Cameras-others, mostOfSite-(s.announced-len(b.cameras)))
	if len(cameras) <= room {
		return cameras
	}
	had := 0
	for _, c := range cameras {
		if _, has := b.since[c.ID]; has {
			had++
		}
	}
	fresh := room - had // that there is room for
	return slices.DeleteFunc(cameras, func(c told) bool {
		if _, has := b.since[c.ID]; has {
			return false
		}
		fresh--
		return fresh < 0
	})
}

// count notes how many cameras a box has.
func (r *relay) count(s *site, b *box, cameras int) {
	r.cameras += cameras - len(b.cameras)
	s.announced += cameras - len(b.cameras)
}

// settle makes what is fetched what is watched, and tells the sites.
func (r *relay) settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, s := range r.sites {
		turned := false
		for _, c := range s.cameras {
			turned = c.settle(r.conn, now) || turned
		}
		if turned {
			s.wish(now)
		}
	}
}

// attach goes on with a connection: again is the one that there was, on which the library listens again by itself.
func (r *relay) attach(conn *nats.Conn, again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.conn = conn
	for _, s := range r.sites {
		for _, c := range s.cameras {
			if !again {
				c.deaf()
			}
			c.settle(conn, now)
		}
		s.wish(now)
	}
	// Who is there?
	_ = conn.Publish(r.subjects.all(), nil) // beats come by themselves
}

// look notices who has fallen silent. It is called every glance.
func (r *relay) look() {
	now := time.Now()
	r.mu.Lock()
	for name, s := range r.sites {
		s.look(now)
		if len(s.boxes) == 0 {
			delete(r.sites, name)
		}
		if now.Sub(s.wished) >= beat || now.Sub(s.wished) >= beat/2 && s.needy() {
			s.wish(now)
		}
		for _, c := range s.cameras {
			c.hint(s.silent(c, now))
		}
	}
	news := r.gather()
	r.mu.Unlock()
	if news {
		r.changed()
	}
}

// tend notices, every glance until ctx ends, where no pictures come, and gives viewers there placeholders. It has a goroutine
// to itself: when a whole region is gone, to draw hundreds of them takes its time, and wishes must not wait for that.
func (r *relay) tend(ctx context.Context) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		down := r.link.down()
		all := *r.list.Load()
		for _, c := range all {
			c.judge(time.Now(), down)
		}
		var draw errgroup.Group
		draw.SetLimit(runtime.GOMAXPROCS(0))
		for _, c := range all {
			if c.lacking(time.Now()) {
				draw.Go(func() error { c.fill(time.Now()); return nil })
			}
		}
		_ = draw.Wait() // none fails
	}
}

// gather makes the list of cameras anew if sites say otherwise than before, and reports whether they do.
func (r *relay) gather() bool {
	if !r.news {
		return false
	}
	r.news = false
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

// fetching reports whether anything is watched.
func (r *relay) fetching() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sites {
		if s.watching {
			return true
		}
	}
	return false
}

// leave tells the sites that nothing is watched here any more.
func (r *relay) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for _, s := range r.sites {
		if s.watching {
			r.send(s, wish{})
			s.watching = false
		}
	}
}

// end lets all readers go.
func (r *relay) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sites {
		for _, c := range s.cameras {
			c.end()
		}
	}
}

// send tells a site what is watched here.
func (r *relay) send(s *site, w wish) {
	w.Version, w.Relay = version, r.instance
	_ = r.link.say(r.subjects.want(s.name), w) // it is said again soon
}

// report puts what came in into s.
func (r *relay) report(to *State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, s := range r.sites {
		if s.alive(now) {
			to.Sites++
		} else {
			to.Silent++
		}
		for _, c := range s.cameras {
			to.Received = c.report(to.Received)
		}
	}
}
