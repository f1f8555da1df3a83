package bus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// LocalCamera is what a bus needs of a local camera. Status().ID is its name on the bus. Its methods are safe for concurrent use.
type LocalCamera interface {
	Status() camera.Status
	Renditions() []string
	Topic(rendition string) (*broker.Topic, bool)
}

// Bus is one connection to NATS and everything that goes over it. Call Run once, from one goroutine. The other methods are safe
// for concurrent use.
type Bus struct {
	opts              Options
	log               *zap.Logger
	subjects          subjects
	connection        *connection
	localCameras      atomic.Pointer[[]LocalCamera]
	localSite         *localSite // nil without a site
	relay             *relay     // nil without Options.Relay
	refusals          *refusals
	announcementQueue *incomingAnnouncements
}

// New returns a bus that does nothing until Run. Its error says which option is wrong.
func New(o Options) (*Bus, error) {
	o, err := o.validated()
	if err != nil {
		return nil, err
	}
	auth, err := o.natsOptions()
	if err != nil {
		return nil, err
	}
	b := &Bus{opts: o, log: o.Log, subjects: subjects{o.Prefix}, refusals: newRefusals(o.Log), announcementQueue: newPendingAnnouncements()}
	b.connection = &connection{opts: o, log: o.Log, auth: auth, dialer: newDialer(), maxDelay: maxResponseDelay, since: time.Now()}
	b.localCameras.Store(&[]LocalCamera{})
	instance := nuid.Next()
	if o.Site != "" {
		b.localSite = newLocalSite(o, instance, b.connection, b.refusals.add)
	}
	if o.Relay {
		b.relay = newRelay(o, instance, b.connection, b.refusals.add)
		if o.Site != "" {
			b.connection.maxDelay *= 3 // the server's answers also wait behind the frames that this camd sends
		}
	}
	return b, nil
}

// shutdownTimeout bounds how long the last announcement may take.
const shutdownTimeout = 700 * time.Millisecond

// Run connects, and reconnects after every failure until ctx ends. Then it announces that this instance leaves, and ends the
// topics of remote cameras. It returns when everything that it started has ended.
func (b *Bus) Run(ctx context.Context) {
	sendCtx, disconnect := context.WithCancel(context.WithoutCancel(ctx))
	defer disconnect()
	var running sync.WaitGroup
	if b.localSite != nil {
		b.localSite.setContext(sendCtx)
	}
	running.Go(func() { b.connection.run(sendCtx, b.attach) })
	running.Go(func() { b.readAnnouncements(sendCtx) })
	if b.relay != nil {
		running.Go(func() { b.connection.reconnectWhenSlow(sendCtx, b.relay.isFetching) })
		running.Go(func() { b.relay.publishPlaceholders(sendCtx) })
	}
	b.poll(ctx)
	// This ends the connection even while a write hangs.
	abortTimer := time.AfterFunc(shutdownTimeout, b.connection.dialer.abort)
	defer abortTimer.Stop()
	if b.localSite != nil {
		b.localSite.announceLeaving()
	}
	if b.relay != nil {
		b.relay.clearInterest()
	}
	b.connection.flush()
	disconnect()
	running.Wait()
	if b.relay != nil {
		b.relay.endTopics()
	}
}

// poll checks for changes until ctx ends.
func (b *Bus) poll(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
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
			b.relay.updateSubscriptions()
		case <-tick.C:
			if b.localSite != nil {
				b.localSite.announceChanges()
			}
			if b.relay != nil {
				b.relay.refresh()
			}
			b.refusals.logNew(time.Now())
		}
	}
}

// attach sets up a connection: it subscribes, makes a complete announcement due and attaches the relay. isReconnect is true if
// the library has restored the connection with its subscriptions.
func (b *Bus) attach(isReconnect bool) {
	conn := b.connection.current()
	if !isReconnect {
		for subject, handler := range b.subscriptions() {
			sub, err := conn.Subscribe(subject, handler)
			if err != nil {
				b.connection.reportProblem(fmt.Errorf("subscribe: %w", err))
				continue
			}
			_ = sub.SetPendingLimits(maxPendingMessages, maxPendingMessageBytes) // it fails where the connection has ended
		}
	}
	if b.localSite != nil {
		b.localSite.extendInterests()
		b.localSite.handleAnnounceRequest(nil)
	}
	if b.relay != nil {
		b.relay.attach(conn, isReconnect)
	}
}

// subscriptions returns the handler of each subject that this bus subscribes to, without those of frames.
func (b *Bus) subscriptions() map[string]func(*nats.Msg) {
	l := map[string]func(*nats.Msg){}
	if f := b.localSite; f != nil {
		l[b.subjects.discovery()] = f.handleAnnounceRequest
		l[b.subjects.announceRequest(f.site)] = f.handleAnnounceRequest
		l[b.subjects.interest(f.site)] = f.handleInterest
		l[b.subjects.site(f.site)] = b.receiveAnnouncement
	}
	if b.relay != nil {
		delete(l, b.subjects.site(b.opts.Site))
		l[b.subjects.site("*")] = b.receiveAnnouncement
	}
	return l
}

// receiveAnnouncement queues an announcement if it is admitted. It is quick, so that nothing waits behind a refused announcement.
func (b *Bus) receiveAnnouncement(m *nats.Msg) {
	if known, admitted := b.admit(m, time.Now()); admitted && !b.announcementQueue.put(m, known) {
		b.refusals.add(TooFast)
	}
}

// readAnnouncements processes the admitted announcements until ctx ends.
func (b *Bus) readAnnouncements(ctx context.Context) {
	for {
		m := b.announcementQueue.next(ctx)
		if m == nil {
			return
		}
		b.handleAnnouncement(m, time.Now())
	}
}

// admit reports whether an announcement is to be parsed, and whether its publisher is known. It counts a refused one.
func (b *Bus) admit(m *nats.Msg, now time.Time) (known, admitted bool) {
	var refused string
	site, ok := b.subjects.siteOf(m.Subject)
	instance := peekPublisher(m.Data, "instance")
	switch {
	case !ok || len(m.Data) > maxMessage:
		refused = NotUnderstood
	case b.isLocalSite(site):
		known, refused = b.localSite.admit(instance, m.Size(), now)
	case b.relay != nil:
		known, refused = b.relay.admit(site, instance, m.Size(), now)
	}
	if refused != "" {
		b.refusals.add(refused)
	}
	return known, refused == ""
}

func (b *Bus) isLocalSite(site string) bool { return b.localSite != nil && site == b.localSite.site }

// handleAnnouncement processes an announcement. The relay gets no announcements of this site, or local cameras would appear as
// remote ones.
func (b *Bus) handleAnnouncement(m *nats.Msg, now time.Time) {
	site, _ := b.subjects.siteOf(m.Subject)
	w, err := parseAnnouncement(m.Data)
	instance := peekPublisher(m.Data, "instance")
	switch {
	case err != nil || instance != "" && instance != w.Instance: // the quota was that of instance
		b.refusals.add(NotUnderstood)
	case b.isLocalSite(site):
		if w.Instance != b.localSite.instance {
			b.localSite.handleDuplicate(w, now)
		}
	case b.relay != nil:
		b.relay.handleAnnouncement(site, w, now)
	}
}

// SetLocalCameras sets the local cameras that other camds can get. Their order is the display order. The streams of a camera
// that is no longer in the list end at every relay. Cameras from a bus must not be in the list. Without Options.Site the list
// has no effect. It may be called at any time, also before Run.
func (b *Bus) SetLocalCameras(cameras []LocalCamera) {
	cameras = slices.Clone(cameras)
	b.localCameras.Store(&cameras)
	if b.localSite != nil {
		b.localSite.setCameras(cameras)
	}
}

// Cameras returns the cameras of other sites, ordered by site and then in their site's order. The list includes cameras that
// cannot be reached. A camera leaves the list when its site announces that the camera is gone, or has been silent for a long time.
func (b *Bus) Cameras() []*Camera {
	if b.relay == nil {
		return nil
	}
	return *b.relay.list.Load()
}

// State returns the present state and the counts of the bus.
func (b *Bus) State() State {
	var s State
	b.connection.report(&s)
	s.Refused = b.refusals.snapshot()
	if b.localSite != nil {
		b.localSite.report(&s)
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

// every calls f at each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}
