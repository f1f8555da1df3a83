package bus

import (
	"context"
	"fmt"
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
	refused  *refusals
	inbox    *inbox
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
	b := &Bus{opts: o, log: o.Log, subjects: subjects{o.Prefix}, refused: newRefusals(o.Log), inbox: newInbox()}
	b.link = &link{opts: o, log: o.Log, auth: auth, dialer: newDialer(), late: behind, since: time.Now()}
	box := nuid.Next()
	if o.Site != "" {
		b.offers = newOffers(o, box, b.link, b.refused.add)
	}
	if o.Relay {
		b.relay = newRelay(o, box, b.link, b.refused.add)
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
	running.Go(func() { b.readAll(life) })
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
			b.refused.logNew(time.Now())
		}
	}
}

// attach does what a connection begins with. again: the same one is back, with its subscriptions.
func (b *Bus) attach(again bool) {
	conn := b.link.now()
	if !again {
		for subject, heard := range b.listeners() {
			sub, err := conn.Subscribe(subject, heard)
			if err != nil {
				b.link.trouble(fmt.Errorf("subscribe: %w", err))
				continue
			}
			_ = sub.SetPendingLimits(mostWaiting, mostWaitingBytes) // it fails where the connection has ended
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
		l[b.subjects.site(f.site)] = b.receive
	}
	if b.relay != nil {
		delete(l, b.subjects.site(b.opts.Site))
		l[b.subjects.site("*")] = b.receive
	}
	return l
}

// receive takes an announcement from the connection. It is quick, so that nothing waits behind one that is refused.
func (b *Bus) receive(m *nats.Msg) {
	if known, admitted := b.admit(m, time.Now()); admitted && !b.inbox.put(m, known) {
		b.refused.add(TooFast)
	}
}

// readAll reads the announcements that have been admitted until ctx ends.
func (b *Bus) readAll(ctx context.Context) {
	for {
		m := b.inbox.next(ctx)
		if m == nil {
			return
		}
		b.hear(m, time.Now())
	}
}

// admit decides whether an announcement is read, and says whether its publisher is known.
func (b *Bus) admit(m *nats.Msg, now time.Time) (known, admitted bool) {
	var refused string
	site, ok := b.subjects.siteOf(m.Subject)
	box := peek(m.Data, "box")
	switch {
	case !ok || len(m.Data) > mostWord:
		refused = NotUnderstood
	case b.isOwn(site):
		known, refused = b.offers.admits(box, m.Size(), now)
	case b.relay != nil:
		known, refused = b.relay.admits(site, box, m.Size(), now)
	}
	if refused != "" {
		b.refused.add(refused)
	}
	return known, refused == ""
}

func (b *Bus) isOwn(site string) bool { return b.offers != nil && site == b.offers.site }

// hear takes what a box says. Nothing of this site's reaches the relay: what is here need not come back.
func (b *Bus) hear(m *nats.Msg, now time.Time) {
	site, _ := b.subjects.siteOf(m.Subject)
	w, err := readWord(m.Data)
	box := peek(m.Data, "box")
	switch {
	case err != nil || box != "" && box != w.Box: // the quota was that of box
		b.refused.add(NotUnderstood)
	case b.isOwn(site):
		if w.Box != b.offers.box {
			b.offers.hear(w, now)
		}
	case b.relay != nil:
		b.relay.hear(site, w, now)
	}
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
	s.Refused = b.refused.snapshot()
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
