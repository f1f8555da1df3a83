package fanout

import (
	"runtime"
	"sync"
	"time"

	"camd/pkg/broker"
)

// Options of a fan-out. A zero value is a good one.
type Options struct {
	WriteTimeout     time.Duration // a viewer that takes nothing for so long is cut; 0 means 10 s
	RepeatAfter      time.Duration // a viewer without a new frame for so long gets the last again, once; 0 means 500 ms
	DrainTimeout     time.Duration // how long Close lets viewers finish the frame that they are taking; 0 means 1 s
	ViewersPerSender int           // how many viewers of a topic a sender gets before another is started beside it; 0 means 1000

	// ObserveAges is called once a frame and sender with the ages of the frames when the kernel took them. May be nil.
	ObserveAges func(t *broker.Topic, ages []time.Duration)
}

// Fanout owns the senders. Its methods are safe for concurrent use.
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
		o.ViewersPerSender = 1000 // up to there a second one made no frame cheaper: docs/performance.md
	}
	if o.ObserveAges == nil {
		o.ObserveAges = func(*broker.Topic, []time.Duration) {}
	}
	return &Fanout{opts: o, created: time.Now(), closing: make(chan struct{}), senders: map[*broker.Topic][]*sender{}}
}

// Add starts to send v the frames of its topic, from the newest on. The connection then belongs to the fan-out.
func (f *Fanout) Add(v *Viewer) {
	if err := v.prepare(); err != nil {
		f.remove(v, err)
		return
	}
	f.mu.Lock()
	closed := f.closed
	if !closed {
		f.senderFor(v.Topic).add(v)
	}
	f.mu.Unlock()
	if closed {
		f.remove(v, nil)
	}
}

// senderFor returns the topic's least busy sender, or a new one.
func (f *Fanout) senderFor(t *broker.Topic) *sender {
	var leastLoaded *sender
	for _, s := range f.senders[t] {
		if leastLoaded == nil || s.viewerCount < leastLoaded.viewerCount {
			leastLoaded = s
		}
	}
	if leastLoaded == nil || leastLoaded.viewerCount >= f.opts.ViewersPerSender && len(f.senders[t]) < runtime.GOMAXPROCS(0) {
		leastLoaded = newSender(f, t)
		f.senders[t] = append(f.senders[t], leastLoaded)
		f.running.Go(leastLoaded.run)
	}
	return leastLoaded
}

// Close ends every stream and returns when that is done.
func (f *Fanout) Close() {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.closing)
	}
	f.mu.Unlock()
	f.running.Wait()
}

// remove closes a connection and calls OnClose.
func (f *Fanout) remove(v *Viewer, err error) {
	_ = v.Conn.Close() // nothing is left to be lost
	v.OnClose(err)
}
