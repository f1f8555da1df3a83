package source

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
)

// stats holds the status, counters and history of a camera. The supervisor writes them, any goroutine may read them. A picture costs
// only atomic operations. The mutex guards what changes less often.
type stats struct {
	captured       atomic.Uint64
	tracks         atomic.Pointer[trackSet]
	streams        atomic.Pointer[streamSet] // each stream counts the pictures that it published
	lastFrameNanos atomic.Int64              // Unix nanoseconds; 0 before the first
	refused        map[string]*atomic.Uint64
	restarts       map[camera.Reason]*atomic.Uint64

	mu           sync.Mutex
	opened       time.Time     // when the source was last opened
	status       camera.Status // without the values that the atomics have
	history      stateHistory
	usage        workerUsage // of the process that reads the camera, if it has one of its own
	decoderUsage workerUsage
	decoding     camera.StateChange // the state of the decoder
	rate         rateMeter
}

func (l *stats) init(all *streamSet, tracks *trackSet, s camera.Status) {
	l.streams.Store(all)
	l.tracks.Store(tracks)
	l.status = s
	l.refused = make(map[string]*atomic.Uint64)
	for _, cause := range media.Causes {
		l.refused[cause] = new(atomic.Uint64)
	}
	l.restarts = make(map[camera.Reason]*atomic.Uint64)
	for _, reason := range camera.Reasons {
		l.restarts[reason] = new(atomic.Uint64)
	}
}

// Status returns a snapshot of the camera.
func (l *stats) Status() camera.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, all := l.status, l.streams.Load()
	s.Counts = camera.Counts{
		Captured:  l.captured.Load(),
		Published: make(map[string]uint64, len(all.names)),
		Refused:   loadCounters(l.refused),
		Restarts:  loadCounters(l.restarts),
		FPS:       l.rate.perSecond,
	}
	for _, st := range all.byNumber {
		if st != nil {
			s.Counts.Published[st.Name] = st.published.Load()
		}
	}
	if s.State != camera.Live {
		s.Counts.FPS = 0
	}
	if ns := l.lastFrameNanos.Load(); ns != 0 {
		s.LastFrame = time.Unix(0, ns)
	}
	s.Worker, _ = l.usage.read()
	decoder, _ := l.decoderUsage.read()
	s.Worker.PID, s.Worker.CPUSeconds, s.Worker.RSSBytes = cmp.Or(s.Worker.PID, decoder.PID), s.Worker.CPUSeconds+decoder.CPUSeconds, s.Worker.RSSBytes+decoder.RSSBytes
	s.Worker.LimitBytes = l.status.Worker.LimitBytes
	s.Tracks = l.trackStatus()
	return s
}

// trackStatus describes the tracks that have had frames, and the smaller stream. The caller holds mu.
func (l *stats) trackStatus() (list []camera.Track) {
	for _, t := range l.tracks.Load().all() {
		state := camera.StateChange{State: l.status.State, Reason: l.status.Reason}
		if own := t.state.Load(); own != nil && (own.State != camera.Idle || state.State == camera.Live) { // it is idle because the camera is not live
			state = *own
		}
		if t.format.Load() != nil || t.name == camera.Sub {
			list = append(list, t.status(state))
		}
	}
	return list
}

// setDecoderState records the state of the decoder, for decoderState.
func (l *stats) setDecoderState(state camera.StateChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decoding = state
}

// decoderState returns the state of the decoder.
func (l *stats) decoderState() camera.StateChange {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.decoding
}

// updateStatus calls change with the status, under the mutex.
func (l *stats) updateStatus(change func(*camera.Status)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.status)
}

// sampleRate adds the number of pictures captured so far to the rate.
func (l *stats) sampleRate(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate.sample(now, l.captured.Load())
	for _, t := range l.tracks.Load().all() {
		t.sampleRate(now)
	}
}

// openedAfter returns how long after a time the source was last opened.
func (l *stats) openedAfter(t time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opened.Sub(t)
}

// setProcess records in usage the process that runs now, 0 for none, and the processor time that the previous process used.
func (l *stats) setProcess(usage *workerUsage, pid int, used time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	usage.pid = pid
	usage.endedCPUTime += used
	if usage == &l.usage {
		l.rate = rateMeter{}
	}
}

// readProcess reads the state and usage of the present process from /proc.
func (l *stats) readProcess(usage *workerUsage) (w camera.Worker, stopped bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return usage.read()
}

func loadCounters[K comparable](counters map[K]*atomic.Uint64) map[K]uint64 {
	m := make(map[K]uint64, len(counters))
	for k, c := range counters {
		m[k] = c.Load()
	}
	return m
}

// rateMeter computes the pictures per second over the last six samples, which are a second apart.
type rateMeter struct {
	samples   [6]struct{ at, count float64 }
	n         int
	perSecond float64
}

func (r *rateMeter) sample(now time.Time, count uint64) {
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
