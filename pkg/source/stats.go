package source

import (
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
	rate         rateMeter
	streamList   []camera.Stream // for Status; never changed
	decoderTrack string          // of ownDecoder; empty if the camera cannot need it
	ownDecoder   decoderStats    // of what the camera's worker delivers
	subDecoder   decoderStats    // of the smaller stream
}

// decoderStats is what Status says about a decoder.
type decoderStats struct {
	pictures atomic.Uint64
	state    camera.StateChange // guarded by stats.mu, as usage
	usage    workerUsage
}

func (l *stats) init(all *streamSet, tracks *trackSet, s camera.Status) {
	l.streams.Store(all)
	l.tracks.Store(tracks)
	l.status = s
	l.refused = make(map[string]*atomic.Uint64)
	for _, cause := range media.Causes {
		l.refused[cause] = new(atomic.Uint64)
	}
	l.ownDecoder.state.State, l.subDecoder.state.State = camera.Idle, camera.Idle
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
	s.Worker.LimitBytes = l.status.Worker.LimitBytes
	s.Tracks = l.trackStatus()
	s.Streams, s.Decoders = l.streamList, l.decoderStatus()
	return s
}

// decoderStatus describes the decoders that the camera may need. The caller holds mu.
func (l *stats) decoderStatus() (list []camera.Decoder) {
	tracks := l.tracks.Load()
	if l.decoderTrack != "" {
		list = append(list, l.ownDecoder.read(l.decoderTrack))
	}
	if tracks.sub != nil {
		list = append(list, l.subDecoder.read(camera.Sub))
	}
	return list
}

// read returns the description of the decoder of a track.
func (d *decoderStats) read(track string) camera.Decoder {
	process, _ := d.usage.read()
	return camera.Decoder{Track: track, StateChange: d.state, Worker: process, Starts: d.usage.starts, RunSeconds: d.usage.runTime(time.Now()).Seconds(), Pictures: d.pictures.Load()}
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

// setDecoderState records the state of a decoder.
func (l *stats) setDecoderState(d *decoderStats, state camera.StateChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.state = state
}

// mainStream describes how main is made now.
func (l *stats) mainStream() (main camera.Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.streamList) > 0 {
		main = l.streamList[0]
	}
	return main
}

// setStreams records how the renditions are made, and which track the decoder of what the worker delivers decodes.
func (l *stats) setStreams(list []camera.Stream, decoderTrack string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streamList, l.decoderTrack = list, decoderTrack
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
	usage.set(pid, used, time.Now())
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
