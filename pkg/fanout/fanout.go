package fanout

import (
	"runtime"
	"sync"
	"time"

	"camd/pkg/broker"
)

// Options of a fan-out. A zero value is a good one.
type Options struct {
	WriteTimeout time.Duration // a viewer that takes nothing for so long is cut; 0 means 10 s
	RepeatAfter  time.Duration // a viewer without a new frame for so long gets the last again, once; 0 means 500 ms
	Farewell     time.Duration // how long Close lets viewers finish the frame that they are taking; 0 means 1 s
	Spread       int           // how many viewers of a topic a sender gets before another is started beside it; 0 means 1000

	// Aged is told how old frames were when the kernel had them, once a frame and sender. May be nil.
	Aged func(t *broker.Topic, ages []time.Duration)
}

// Fanout owns the senders. Its methods are safe for concurrent use.
type Fanout struct {
	opts    Options
	made    time.Time
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
	if o.Farewell == 0 {
		o.Farewell = time.Second
	}
	if o.Spread == 0 {
		o.Spread = 1000 // up to there a second one made no frame cheaper: docs/performance.md
	}
	if o.Aged == nil {
		o.Aged = func(*broker.Topic, []time.Duration) {}
	}
	return &Fanout{opts: o, made: time.Now(), closing: make(chan struct{}), senders: map[*broker.Topic][]*sender{}}
}

// Add begins to send v the frames of its topic, from the newest on. From here on the connection belongs to the fan-out.
func (f *Fanout) Add(v *Viewer) {
	if err := v.prepare(); err != nil {
		f.dismiss(v, err)
		return
	}
	f.mu.Lock()
	closed := f.closed
	if !closed {
		f.senderFor(v.Topic).admit(v)
	}
	f.mu.Unlock()
	if closed {
		f.dismiss(v, nil)
	}
}

// senderFor returns the topic's least busy sender, or a new one.
func (f *Fanout) senderFor(t *broker.Topic) *sender {
	var best *sender
	for _, s := range f.senders[t] {
		if best == nil || s.load < best.load {
			best = s
		}
	}
	if best == nil || best.load >= f.opts.Spread && len(f.senders[t]) < runtime.GOMAXPROCS(0) {
		best = newSender(f, t)
		f.senders[t] = append(f.senders[t], best)
		f.running.Go(best.run)
	}
	return best
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

// dismiss closes a connection and says so.
func (f *Fanout) dismiss(v *Viewer, err error) {
	_ = v.Conn.Close() // nothing is left to be lost
	v.Left(err)
}
