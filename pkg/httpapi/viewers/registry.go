package viewers

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/audit"
	"camd/pkg/broker"
	"camd/pkg/httpapi/request"
)

// Limits on viewers; 0 means none, but for Viewers.
type Limits struct {
	Viewers              int // streams at once; 0 means 500
	PerCamera            int
	PerAddress           int   // from one IP address
	TotalBytesPerSecond  int64 // bytes a second of all streams together, beyond which nobody new is admitted
	ViewerBytesPerSecond int64 // bytes a second of one stream, beyond which it gets fewer frames
}

// Registry holds the viewers. Its lock is taken when one joins or leaves and to count them, never for a frame.
type Registry struct {
	opts                Options
	mu                  sync.Mutex
	limits              Limits
	viewers             map[*Viewer]struct{}
	perCamera           map[string]int // viewers of each
	perAddress          map[string]int // viewers from each address
	wallConns           int            // WebSockets of walls, with cameras or without
	wallConnsPerAddress map[string]int // WebSockets of walls from each address
	pastCounts          map[Key]*Totals
	cut                 map[[2]string]uint64
	refused             map[string]uint64
	measured            throughput
	connected           sync.WaitGroup
}

// FrameAges observes how old frames are when viewers' connections have taken them. Its methods are safe for concurrent use.
type FrameAges interface {
	// Add makes the observer for a stream that a viewer joins, where there is none yet.
	Add(Key, *broker.Topic)
	// Observer returns what observes the ages of a topic's frames, in seconds.
	Observer(*broker.Topic) prometheus.Observer
}

// Options of a registry.
type Options struct {
	Audit     *audit.Log // what viewers watched; nil means no audit log
	FrameAges FrameAges  // nil observes nothing
}

// NewRegistry returns a registry without viewers, which admits none before SetLimits.
func NewRegistry(o Options) *Registry {
	if o.Audit == nil {
		o.Audit = audit.New(nil)
	}
	if o.FrameAges == nil {
		o.FrameAges = noFrameAges{}
	}
	return &Registry{
		opts: o, viewers: map[*Viewer]struct{}{}, perCamera: map[string]int{}, perAddress: map[string]int{}, wallConnsPerAddress: map[string]int{},
		pastCounts: map[Key]*Totals{}, cut: map[[2]string]uint64{},
		refused: map[string]uint64{LimitViewers: 0, LimitPerCamera: 0, LimitPerAddress: 0, LimitBytes: 0},
	}
}

// SetLimits sets the limits for viewers from now on.
func (a *Registry) SetLimits(l Limits) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limits = l
}

// Add admits a viewer of a topic, or returns for people why not.
func (a *Registry) Add(v *Viewer, topic *broker.Topic) error {
	if err := a.admit(v); err != nil {
		return err
	}
	a.opts.Audit.ViewStarted(v.actor, v.auditStream(), v.UserAgent)
	a.opts.FrameAges.Add(v.Key, topic)
	v.frameAge = a.opts.FrameAges.Observer(topic)
	return nil
}

func (a *Registry) admit(v *Viewer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if limit, err := a.exceededLimit(v); err != nil {
		a.refused[limit]++
		return err
	}
	a.viewers[v] = struct{}{}
	a.perCamera[v.Camera]++
	a.perAddress[v.address]++
	a.connected.Add(1)
	return nil
}

// Remove removes a viewer. cut is why camd cut it, empty if it left by itself; of a viewer that has lost access, that is the reason.
func (a *Registry) Remove(v *Viewer, cut string) {
	if v.accessRevoked.Load() {
		cut = CutAccess
	}
	a.forget(v, cut)
	t := v.Totals()
	a.opts.Audit.ViewEnded(v.actor, v.auditStream(), audit.ViewStats{
		Since: v.Since, Frames: t.Sent, Dropped: t.Dropped(), Bytes: t.Bytes, Reason: cmp.Or(cut, "left"),
	})
}

func (a *Registry) forget(v *Viewer, cut string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.viewers, v)
	decrement(a.perCamera, v.Camera)
	decrement(a.perAddress, v.address)
	if a.pastCounts[v.Key] == nil {
		a.pastCounts[v.Key] = &Totals{}
	}
	a.pastCounts[v.Key].add(v.Totals())
	if cut != "" {
		a.cut[[2]string{v.Camera, cut}]++
	}
	a.connected.Done()
}

// ObserveFrameAges observes how old frames of a topic were.
func (a *Registry) ObserveFrameAges(topic *broker.Topic, ages []time.Duration) {
	observer := a.opts.FrameAges.Observer(topic)
	for _, age := range ages {
		observer.Observe(age.Seconds())
	}
}

// Wait returns when no viewer is left.
func (a *Registry) Wait() { a.connected.Wait() }

// exceededLimit returns the limit that v would exceed, and the error for its user.
func (a *Registry) exceededLimit(v *Viewer) (string, error) {
	l := a.limits
	switch {
	case len(a.viewers) >= l.Viewers:
		return LimitViewers, fmt.Errorf("%d viewers are connected, as many as this server allows; try again later", len(a.viewers))
	case l.PerCamera > 0 && a.perCamera[v.Camera] >= l.PerCamera:
		return LimitPerCamera, fmt.Errorf("%d viewers watch camera %q, as many as may; try again later", l.PerCamera, v.Camera)
	case l.PerAddress > 0 && a.perAddress[v.address] >= l.PerAddress && v.address != request.UnixAddress:
		return LimitPerAddress, fmt.Errorf("%d streams go to your address, as many as may; close one", l.PerAddress)
	case l.TotalBytesPerSecond > 0 && a.measured.perSecond(a.totalBytes(), v.Since) >= float64(l.TotalBytesPerSecond):
		return LimitBytes, fmt.Errorf("this server sends as many bytes a second as it may; try again later")
	}
	return "", nil
}

// totalBytes returns the bytes sent to all viewers ever. a.mu must be held.
func (a *Registry) totalBytes() (bytes uint64) {
	for _, t := range a.pastCounts {
		bytes += t.Bytes
	}
	for v := range a.viewers {
		bytes += v.Bytes.Load()
	}
	return bytes
}

// throughput measures bytes a second over at least the last second.
type throughput struct {
	at    time.Time
	bytes uint64
	rate  float64
}

func (t *throughput) perSecond(bytes uint64, now time.Time) float64 {
	if span := now.Sub(t.at); span >= time.Second {
		if !t.at.IsZero() {
			t.rate = float64(bytes-t.bytes) / span.Seconds()
		}
		t.at, t.bytes = now, bytes
	}
	return t.rate
}

// decrement counts one down and forgets what has none left: addresses come and go without end.
func decrement(counts map[string]int, key string) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

// noFrameAges observes nothing.
type noFrameAges struct{}

func (noFrameAges) Add(Key, *broker.Topic) {}

func (noFrameAges) Observer(*broker.Topic) prometheus.Observer { return noFrameAges{} }

func (noFrameAges) Observe(float64) {}
