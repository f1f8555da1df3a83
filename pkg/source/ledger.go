package source

import (
	"sync"
	"sync/atomic"
	"time"

	"camd/pkg/camera"
	"camd/pkg/mjpeg"
)

// ledger is what is known of a camera, written by its goroutine and read by anybody. Per picture it takes only atomics;
// the mutex guards what changes with the state.
type ledger struct {
	captured atomic.Uint64
	streams  atomic.Pointer[streams] // which count what they published
	lastPic  atomic.Int64            // Unix nanoseconds; 0 before the first
	refused  map[string]*atomic.Uint64
	restarts map[camera.Reason]*atomic.Uint64

	mu     sync.Mutex
	status camera.Status // without what the atomics count
	past   past
	worker usage
	rate   rate
}

func (l *ledger) init(all *streams, s camera.Status) {
	l.streams.Store(all)
	l.status = s
	l.refused = make(map[string]*atomic.Uint64)
	for _, cause := range mjpeg.Causes {
		l.refused[cause] = new(atomic.Uint64)
	}
	l.restarts = make(map[camera.Reason]*atomic.Uint64)
	for _, reason := range camera.Reasons {
		l.restarts[reason] = new(atomic.Uint64)
	}
}

// Status returns a snapshot of the camera.
func (l *ledger) Status() camera.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, all := l.status, l.streams.Load()
	s.Counts = camera.Counts{
		Captured:  l.captured.Load(),
		Published: make(map[string]uint64, len(all.names)),
		Refused:   totals(l.refused),
		Restarts:  totals(l.restarts),
		FPS:       l.rate.perSecond,
	}
	for _, st := range all.numbered {
		if st != nil {
			s.Counts.Published[st.Name] = st.published.Load()
		}
	}
	if s.State != camera.Live {
		s.Counts.FPS = 0
	}
	if ns := l.lastPic.Load(); ns != 0 {
		s.LastPic = time.Unix(0, ns)
	}
	s.Worker, _ = l.worker.read()
	s.Worker.LimitBytes = l.status.Worker.LimitBytes
	return s
}

// update changes what the mutex guards.
func (l *ledger) update(change func(*camera.Status)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.status)
}

// sample takes note of the pictures captured so far, for the rate.
func (l *ledger) sample(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate.sample(now, l.captured.Load())
}

// setWorker notes the process that runs now, 0 for none, and what the one before has used.
func (l *ledger) setWorker(pid int, used time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worker.pid = pid
	l.worker.earlier += used
	l.rate = rate{}
}

// process asks the kernel about the process that runs now.
func (l *ledger) process() (w camera.Worker, stopped bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.worker.read()
}

func totals[K comparable](counters map[K]*atomic.Uint64) map[K]uint64 {
	m := make(map[K]uint64, len(counters))
	for k, c := range counters {
		m[k] = c.Load()
	}
	return m
}

// rate is pictures per second over the last few samples.
type rate struct {
	samples   [6]struct{ at, count float64 }
	n         int
	perSecond float64
}

func (r *rate) sample(now time.Time, count uint64) {
	i := r.n % len(r.samples)
	r.samples[i].at, r.samples[i].count = float64(now.UnixNano())/1e9, float64(count)
	r.n++
	oldest := r.samples[0]
	if r.n >= len(r.samples) {
		oldest = r.samples[r.n%len(r.samples)]
	}
	if span := r.samples[i].at - oldest.at; span > 0 {
		r.perSecond = max(0, (r.samples[i].count-oldest.count)/span)
	}
}
