package fanout

import (
	"runtime"
	"sync"
	"time"

	"camd/pkg/broker"
)

// Options are the options of a fan-out. The zero value has all defaults.
type Options struct {
	WriteTimeout     time.Duration // how long a viewer may make no progress before it is cut off; 0 means 10 s
	RepeatAfter      time.Duration // how long after its last frame a viewer without a new one gets it again, once; 0 means 500 ms
	DrainTimeout     time.Duration // how long viewers may take to finish a frame when their stream ends; 0 means 1 s
	ViewersPerSender int           // how many viewers a topic's sender gets before another sender starts; 0 means 1000

	// ObserveAges receives how old frames were when the kernel had taken their last byte: one age for each viewer. A sender calls it
	// once for each frame, and once more for each frame that was finished later. It is called from several goroutines and must not
	// keep ages. May be nil.
	ObserveAges func(t *broker.Topic, ages []time.Duration)
}

// Fanout sends frames to viewers. Its methods are safe for concurrent use.
type Fanout struct {
	opts    Options
	created time.Time
	closing chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	senders map[*broker.Topic][]*sender
}

// New returns a fan-out without viewers.
func New(o Options) *Fanout {
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 10 * time.Second
	}
	if o.RepeatAfter == 0 {
		o.RepeatAfter = 500 * time.Millisecond
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = time.Second
	}
	if o.ViewersPerSender == 0 {
		o.ViewersPerSender = 1000 // with fewer viewers, a second sender made no frame cheaper: docs/performance.md
	}
	if o.ObserveAges == nil {
		o.ObserveAges = func(*broker.Topic, []time.Duration) {}
	}
	return &Fanout{opts: o, created: time.Now(), closing: make(chan struct{}), senders: map[*broker.Topic][]*sender{}}
}

// Add starts to send v the frames of its topic, from the newest on, or from the newest keyframe on for video. The fan-out owns v and its
// connection from then on. After Close, Add closes the connection and calls OnClose with nil.
func (f *Fanout) Add(v *Viewer) {
	if err := v.prepare(); err != nil {
		f.remove(v, err)
		return
	}
	f.mu.Lock()
	closed := f.closed
	if !closed {
		f.senderFor(v).add(v)
	}
	f.mu.Unlock()
	if closed {
		f.remove(v, nil)
	}
}

// senderFor returns the sender of the viewer's topic with the fewest viewers, or a new one. The caller holds mu.
func (f *Fanout) senderFor(v *Viewer) *sender {
	t := v.Topic
	var leastLoaded *sender
	for _, s := range f.senders[t] {
		if leastLoaded == nil || s.viewerCount < leastLoaded.viewerCount {
			leastLoaded = s
		}
	}
	if leastLoaded == nil || leastLoaded.viewerCount >= f.opts.ViewersPerSender && len(f.senders[t]) < runtime.GOMAXPROCS(0) {
		leastLoaded = newSender(f, t, v.Period)
		f.senders[t] = append(f.senders[t], leastLoaded)
		f.running.Go(leastLoaded.run)
	}
	return leastLoaded
}

// Close ends all streams, closes their connections, and returns when all goroutines have ended.
func (f *Fanout) Close() {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.closing)
	}
	f.mu.Unlock()
	f.running.Wait()
}

// remove closes a viewer's connection and calls its OnClose.
func (f *Fanout) remove(v *Viewer, err error) {
	_ = v.Conn.Close() // nothing more is written, so an error does not matter
	v.video.close()
	v.OnClose(err)
}
