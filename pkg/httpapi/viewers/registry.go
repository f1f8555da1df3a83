package viewers

import (
	"cmp"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/audit"
	"camd/pkg/broker"
)

// Registry holds the viewers. Its lock is taken to add, remove and count viewers, and never for a frame.
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
	// Add creates the observer for a stream that a viewer joins, unless it exists.
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

// Add admits a viewer of a topic, or returns an error with the reason for its user.
func (r *Registry) Add(v *Viewer, topic *broker.Topic) error {
	if err := r.admit(v); err != nil {
		return err
	}
	r.begin(v, topic)
	return nil
}

// begin records that a viewer has been admitted, and prepares what it counts.
func (r *Registry) begin(v *Viewer, topic *broker.Topic) {
	r.opts.Audit.ViewStarted(v.actor, v.auditStream(), v.UserAgent)
	r.opts.FrameAges.Add(v.Key, topic)
	v.frameAge = r.opts.FrameAges.Observer(topic)
}

func (r *Registry) admit(v *Viewer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if limit, err := r.exceededViewerLimit(v); err != nil {
		r.refused[limit]++
		return err
	}
	r.insert(v)
	return nil
}

// insert adds a viewer to those that are connected. r.mu must be held.
func (r *Registry) insert(v *Viewer) {
	r.viewers[v] = struct{}{}
	r.perCamera[v.Camera]++
	r.perAddress[v.address]++
	r.connected.Add(1)
}

// Remove removes a viewer. cut is why camd disconnected it, empty if it left by itself. For a viewer that has lost access, the reason is
// CutAccess whatever cut says.
func (r *Registry) Remove(v *Viewer, cut string) {
	if v.accessRevoked.Load() {
		cut = CutAccess
	}
	r.forget(v, cut)
	r.end(v, cmp.Or(cut, "left"))
}

// end records that a viewer has ended.
func (r *Registry) end(v *Viewer, reason string) {
	t := v.Totals()
	r.opts.Audit.ViewEnded(v.actor, v.auditStream(), audit.ViewStats{
		Since: v.Since, Frames: t.Sent, Dropped: t.Dropped(), Bytes: t.Bytes, Reason: reason,
	})
}

func (r *Registry) forget(v *Viewer, cut string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delete(v)
	if cut != "" {
		r.cut[[2]string{v.Camera, cut}]++
	}
}

// delete takes a viewer from those that are connected, and keeps its counts. r.mu must be held.
func (r *Registry) delete(v *Viewer) {
	delete(r.viewers, v)
	decrement(r.perCamera, v.Camera)
	decrement(r.perAddress, v.address)
	if r.pastCounts[v.Key] == nil {
		r.pastCounts[v.Key] = &Totals{}
	}
	r.pastCounts[v.Key].add(v.Totals())
	r.connected.Done()
}

// ObserveFrameAges records the ages of frames of a topic, as of when the connections of viewers have taken them.
func (r *Registry) ObserveFrameAges(topic *broker.Topic, ages []time.Duration) {
	observer := r.opts.FrameAges.Observer(topic)
	for _, age := range ages {
		observer.Observe(age.Seconds())
	}
}

// Wait returns when no viewer is left.
func (r *Registry) Wait() { r.connected.Wait() }

// decrement decrements a count, and deletes it at zero, because addresses come and go without end.
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
