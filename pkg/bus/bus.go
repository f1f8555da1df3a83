package bus

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// Source is a local camera, as far as a bus needs it; Status().ID names it. Its methods are safe for concurrent use.
type Source interface {
	Status() camera.Status
	Renditions() []string
	Topic(rendition string) (*broker.Topic, bool)
}

// Bus is one connection to NATS and all that goes over it. Run belongs to one goroutine; the rest is safe for concurrent use.
type Bus struct {
	opts     Options
	log      *zap.Logger
	subjects subjects
	link     *link
	offers   *offers // nil without a site
	relay    *relay  // nil for one that only offers

	mu      sync.Mutex
	refused map[string]uint64
}

// New returns a bus that does nothing until Run. Its error says which option is wrong.
func New(o Options) (*Bus, error) {
	o, err := o.checked()
	if err != nil {
		return nil, err
	}
	auth, err := o.auth()
	if err != nil {
		return nil, err
	}
	b := &Bus{opts: o, log: o.Log, subjects: subjects{o.Prefix}, refused: map[string]uint64{}}
	b.link = &link{opts: o, log: o.Log, auth: auth, dialer: newDialer(), late: behind, since: time.Now()}
	box := nuid.Next()
	if o.Site != "" {
		b.offers = newOffers(o, box, b.link, b.refuse)
	}
	if o.Relay {
		b.relay = newRelay(o, box, b.link, b.refuse)
		if o.Site != "" {
			b.link.late *= 3 // answers come behind what goes out, too
		}
	}
	return b, nil
}

// farewell is how long what is said last may take.
const farewell = 700 * time.Millisecond

// Run connects, and keeps the connection until ctx ends: it tries again for ever, whatever refuses it. It returns when all
// that it started has ended; the topics of remote cameras end with it.
func (b *Bus) Run(ctx context.Context) {
	life, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	var running sync.WaitGroup
	if b.offers != nil {
		b.offers.begin(life)
	}
	running.Go(func() { b.link.keep(life, b.attach) })
	if b.relay != nil {
		running.Go(func() { b.link.attend(life, b.relay.fetching) })
		running.Go(func() { b.relay.tend(life) })
	}
	b.watch(ctx)
	// Even while a write hangs.
	cut := time.AfterFunc(farewell, b.link.dialer.cut)
	defer cut.Stop()
	if b.offers != nil {
		b.offers.leave()
	}
	if b.relay != nil {
		b.relay.leave()
	}
	b.link.farewell()
	hangUp()
	running.Wait()
	if b.relay != nil {
		b.relay.end()
	}
}

// watch looks at what has changed until ctx ends.
func (b *Bus) watch(ctx context.Context) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	var demand <-chan struct{}
	if b.relay != nil {
		demand = b.relay.demand
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-demand:
			b.relay.settle()
		case <-tick.C:
			if b.offers != nil {
				b.offers.look()
			}
			if b.relay != nil {
				b.relay.look()
			}
		}
	}
}

// attach does what a connection begins with. again: the same one is back, with its subscriptions.
func (b *Bus) attach(again bool) {
	conn := b.link.now()
	if !again {
		for subject, heard := range b.listeners() {
			if _, err := conn.Subscribe(subject, heard); err != nil {
				b.link.trouble(fmt.Errorf("subscribe: %w", err))
			}
		}
	}
	if b.offers != nil {
		b.offers.renew()
		b.offers.asked(nil)
	}
	if b.relay != nil {
		b.relay.attach(conn, again)
	}
}

// listeners says what is listened to, and by whom, beside frames.
func (b *Bus) listeners() map[string]func(*nats.Msg) {
	l := map[string]func(*nats.Msg){}
	if f := b.offers; f != nil {
		l[b.subjects.all()] = f.asked
		l[b.subjects.ask(f.site)] = f.asked
		l[b.subjects.want(f.site)] = f.wish
		l[b.subjects.site(f.site)] = b.hear
	}
	if b.relay != nil {
		delete(l, b.subjects.site(b.opts.Site))
		l[b.subjects.site("*")] = b.hear
	}
	return l
}

// hear takes what a box says. Nothing of this site's reaches the relay: what is here need not come back.
func (b *Bus) hear(m *nats.Msg) {
	site, ok := b.subjects.siteOf(m.Subject)
	w, err := readWord(m.Data)
	if !ok || err != nil {
		b.refuse(NotUnderstood)
		return
	}
	now := time.Now()
	switch {
	case b.offers != nil && site == b.offers.site:
		if w.Box != b.offers.box {
			b.offers.hear(w, now)
		}
	case b.relay != nil:
		b.relay.hear(site, w, now)
	}
}

func (b *Bus) refuse(cause string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused[cause]++
}

// Offer makes cameras, in the order in which people want to see them, those that others may have from now on. Readers
// elsewhere of one that is gone come to its end. Cameras taken from a bus do not belong here. It may be called at any time,
// before Run too; without a site it does nothing.
func (b *Bus) Offer(cameras []Source) {
	if b.offers != nil {
		b.offers.set(slices.Clone(cameras))
	}
}

// Cameras returns the cameras of other sites, ordered by site and then as their site has them. Those that cannot be reached
// are among them; a camera is gone when its own site says so.
func (b *Bus) Cameras() []*Camera {
	if b.relay == nil {
		return nil
	}
	return *b.relay.list.Load()
}

// State returns how the bus is.
func (b *Bus) State() State {
	var s State
	b.link.tell(&s)
	b.mu.Lock()
	s.Refused = maps.Clone(b.refused)
	b.mu.Unlock()
	if b.offers != nil {
		b.offers.report(&s)
	}
	if b.relay != nil {
		b.relay.report(&s)
	}
	byName := func(a, b Stream) int {
		return strings.Compare(a.Camera+"\x00"+a.Rendition, b.Camera+"\x00"+b.Rendition)
	}
	slices.SortFunc(s.Sent, byName)
	slices.SortFunc(s.Received, byName)
	return s
}
