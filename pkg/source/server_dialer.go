package source

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"camd/pkg/source/netprobe"
	"camd/pkg/source/sourceurl"
)

// Timing of dials. A server that does not answer is dialed every dialInterval, with jitter. The first dial may take the camera's open
// timeout. Later ones end after dialTimeout: TCP repeats a lost SYN only after 1, 3 and 7 seconds, so a new dial reaches a host that
// has just returned sooner.
const (
	dialInterval = 2 * time.Second
	dialTimeout  = 4 * time.Second
)

// serverDialer dials the servers of network cameras before a capture process is started for them. A connection costs almost nothing. A
// process costs up to half a second of processor time. Cameras of one server share its dials, so a recorder with many channels is
// dialed as often as a single camera. It is safe for concurrent use.
type serverDialer struct {
	dial func(context.Context, sourceurl.Source) error

	mu    sync.Mutex
	loops map[string]*dialLoop // by the server's address
}

func newServerDialer() *serverDialer {
	return &serverDialer{dial: netprobe.Dial, loops: map[string]*dialLoop{}}
}

// dialLoop dials one server until it answers or no camera waits for it.
type dialLoop struct {
	dialer  *serverDialer
	source  sourceurl.Source // of the camera that joined first
	open    time.Duration    // the open timeout of that camera
	cancel  context.CancelFunc
	ended   chan struct{}          // closed when run has returned
	waiting map[*dialWait]struct{} // guarded by dialer.mu
	last    *dialResult            // guarded by dialer.mu; nil before the first result
}

// dialResult is the result of one dial.
type dialResult struct {
	err  error     // nil if the server answers
	next time.Time // of the next dial; zero if the server answers
}

// dialWait is a camera that waits for its server. A nil dialWait gets no results.
type dialWait struct {
	loop    *dialLoop
	results chan dialResult // holds the newest result until it is received
}

// join starts to dial the source's server, or joins the dials that another camera has started. open bounds the first dial. The caller
// must close the result.
func (s *serverDialer) join(src sourceurl.Source, open time.Duration) *dialWait {
	s.mu.Lock()
	defer s.mu.Unlock()
	address := netprobe.Address(src)
	l := s.loops[address]
	if l == nil {
		ctx, cancel := context.WithCancel(context.Background())
		l = &dialLoop{dialer: s, source: src, open: open, cancel: cancel, ended: make(chan struct{}), waiting: map[*dialWait]struct{}{}}
		s.loops[address] = l
		go l.run(ctx)
	}
	w := &dialWait{loop: l, results: make(chan dialResult, 1)}
	l.waiting[w] = struct{}{}
	if l.last != nil {
		w.results <- *l.last
	}
	return w
}

// run dials until the server answers.
func (d *dialLoop) run(ctx context.Context) {
	defer close(d.ended)
	defer d.cancel()
	for timeout := d.open; ; timeout = min(d.open, dialTimeout) {
		next := time.Now().Add(withJitter(dialInterval))
		attempt, cancel := context.WithTimeout(ctx, timeout)
		err := d.dialer.dial(attempt, d.source)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			d.publish(dialResult{})
			return
		}
		d.publish(dialResult{err, next})
		select {
		case <-time.After(time.Until(next)):
		case <-ctx.Done():
			return
		}
	}
}

// publish sends a result to all cameras that wait. After a success it ends the loop, so that cameras that join later dial again.
func (d *dialLoop) publish(r dialResult) {
	d.dialer.mu.Lock()
	defer d.dialer.mu.Unlock()
	d.last = &r
	if r.err == nil {
		d.remove()
	}
	for w := range d.waiting {
		select {
		case <-w.results: // out of date
		default:
		}
		w.results <- r
	}
}

// remove removes the loop from the dialer. The caller holds dialer.mu.
func (d *dialLoop) remove() {
	if address := netprobe.Address(d.source); d.dialer.loops[address] == d {
		delete(d.dialer.loops, address)
	}
}

// received returns the channel of the results. For a nil dialWait it is nil.
func (d *dialWait) received() <-chan dialResult {
	if d == nil {
		return nil
	}
	return d.results
}

// close ends the wait. For the last camera that waits, it also ends the dials and waits for that. For a nil dialWait it does nothing.
func (d *dialWait) close() {
	if d == nil {
		return
	}
	l := d.loop
	l.dialer.mu.Lock()
	delete(l.waiting, d)
	last := len(l.waiting) == 0
	if last {
		l.remove()
	}
	l.dialer.mu.Unlock()
	if last {
		l.cancel()
		<-l.ended
	}
}

// withJitter returns a random duration that differs from d by at most a fifth, so that cameras do not retry at the same time.
func withJitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 - jitter + 2*jitter*rand.Float64()))
}
