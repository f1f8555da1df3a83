package source

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"camd/internal/metric"
	"camd/pkg/camera"
	"camd/pkg/source/options"
)

var (
	descState     = metric.Desc("camd_camera_state", "1 for the camera's current state, 0 for all other states.", "camera", "state")
	descReason    = metric.Desc("camd_camera_reason", "1 for the reason why the camera is not live, 0 for all other reasons.", "camera", "reason")
	descSince     = metric.Desc("camd_camera_state_since_timestamp_seconds", "When the camera entered its current state, as Unix time in seconds.", "camera")
	descInfo      = metric.Desc("camd_camera_info", "Always 1. The labels describe what the camera delivers.", "camera", "title", "backend", "codec", "passthrough")
	descFPS       = metric.Desc("camd_camera_frames_per_second", "Pictures read from the camera per second, over the last five seconds.", "camera")
	descCaptured  = metric.Desc("camd_camera_frames_captured_total", "Pictures read from the camera.", "camera")
	descRefused   = metric.Desc("camd_camera_frames_refused_total", "Pictures that camd did not publish, because they are damaged, too large or not usable.", "camera", "reason")
	descLastFrame = metric.Desc("camd_camera_last_frame_timestamp_seconds", "When the newest live picture was taken, as Unix time in seconds. 0 before the first picture.", "camera")
	descRestarts  = metric.Desc("camd_camera_restarts_total", "Capture processes that ended, and attempts to open the camera that failed.", "camera", "reason")
	descCPU       = metric.Desc("camd_capture_cpu_seconds_total", "CPU time that the capture processes that read the camera have used, in seconds. Decoders do not count.", "camera")
	descRSS       = metric.Desc("camd_capture_resident_memory_bytes", "Resident memory of the capture process that reads the camera, in bytes. Decoders do not count.", "camera")
	descMemory    = metric.Desc("camd_capture_memory_limit_bytes", "Limit on the resident memory of each capture process of the camera, decoders included, in bytes. 0 means no limit.", "camera")
)

var (
	descReaders        = metric.Desc("camd_readers_processes", "Readers processes that run. One reads all network cameras, unless a camera has crashed it.")
	descReadersCPU     = metric.Desc("camd_readers_cpu_seconds_total", "CPU time that the readers processes have used, in seconds.")
	descReadersRSS     = metric.Desc("camd_readers_resident_memory_bytes", "Resident memory of the readers processes, in bytes.")
	descReadersCrashes = metric.Desc("camd_readers_crashes_total", "Readers processes that crashed.")
)

// Metrics are the Prometheus metrics of a fleet's cameras, of their capture processes and decoders, and of the readers processes. They are safe
// for concurrent use.
type Metrics struct {
	encode, publish, decode *prometheus.HistogramVec

	mu      sync.Mutex
	cameras []*Camera
	readers *readerPool         // nil before NewFleet
	streams map[streamKey]bool  // the streams that have histograms
	tracks  map[string][]string // the tracks that have histograms, by camera: those that the newest observer has
}

// streamKey names one rendition of a camera.
type streamKey struct{ camera, rendition string }

// NewMetrics registers the metrics with r. They have no series until they are passed to NewFleet.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		streams: map[streamKey]bool{},
		tracks:  map[string][]string{},
		encode: metric.NewFrameTimes("camd_camera_encode_duration_seconds",
			"Time to encode a picture as JPEG, in seconds. JPEGs that camd forwards unchanged do not count.", "rendition"),
		publish: metric.NewFrameTimes("camd_camera_publish_delay_seconds", "Time from a picture's capture to its publication, in seconds.", "rendition"),
		decode:  newDecoderDelays(),
	}
	r.MustRegister(m.encode, m.publish, m.decode, metric.Collector(m.collect))
	return m
}

// Observer returns the observer for the options of one camera. It creates the histograms of the camera's renditions and decoders. The
// fleet deletes them when it no longer has the camera, the rendition or the track.
func (m *Metrics) Observer(c options.Camera) Observer {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := &histogramObserver{encode: map[string]prometheus.Observer{}, publish: map[string]prometheus.Observer{}, decode: map[string]prometheus.Observer{}}
	for _, r := range append([]camera.Rendition{{Name: camera.Main}}, c.Renditions...) {
		m.streams[streamKey{c.ID, r.Name}] = true
		o.encode[r.Name], o.publish[r.Name] = m.encode.WithLabelValues(c.ID, r.Name), m.publish.WithLabelValues(c.ID, r.Name)
	}
	m.tracks[c.ID] = decodableTracks(c)
	for _, track := range m.tracks[c.ID] {
		o.decode[track] = m.decode.WithLabelValues(c.ID, track)
	}
	return o
}

// histogramObserver records the times of one camera's frames: encode and publish by rendition, decode by track.
type histogramObserver struct {
	encode, publish, decode map[string]prometheus.Observer
}

func (h *histogramObserver) Encoded(rendition string, took time.Duration) {
	h.encode[rendition].Observe(took.Seconds())
}

func (h *histogramObserver) Published(rendition string, age time.Duration) {
	if o := h.publish[rendition]; o != nil {
		o.Observe(age.Seconds())
	}
}

func (h *histogramObserver) Decoded(track string, delay time.Duration) {
	if o := h.decode[track]; o != nil {
		o.Observe(delay.Seconds())
	}
}

// setCameras replaces the cameras that are collected. It deletes the histograms of streams and tracks that no longer exist.
func (m *Metrics) setCameras(cameras []*Camera) {
	if m == nil {
		return
	}
	kept := map[streamKey]bool{}
	for _, c := range cameras {
		for _, rendition := range c.Renditions() {
			kept[streamKey{c.ID(), rendition}] = true
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cameras = cameras
	for s := range m.streams {
		if !kept[s] {
			m.encode.DeleteLabelValues(s.camera, s.rendition)
			m.publish.DeleteLabelValues(s.camera, s.rendition)
			delete(m.streams, s)
		}
	}
	for id, tracks := range m.tracks {
		if !kept[streamKey{id, camera.Main}] {
			tracks = nil
			delete(m.tracks, id)
		}
		deleteDecoderDelays(m.decode, id, tracks)
	}
}

// setReaders sets the readers processes that are collected.
func (m *Metrics) setReaders(p *readerPool) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.readers = p
}

func (m *Metrics) collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	cameras, readers := m.cameras, m.readers
	m.mu.Unlock()
	if readers != nil {
		collectReaders(out, readers.usage())
	}
	for _, c := range cameras {
		collectStatus(out, c.Status())
	}
}

func collectReaders(out chan<- prometheus.Metric, u readersUsage) {
	metric.Gauge(out, descReaders, float64(u.Processes))
	metric.CounterFloat(out, descReadersCPU, u.CPUSeconds)
	metric.Gauge(out, descReadersRSS, float64(u.RSSBytes))
	metric.Counter(out, descReadersCrashes, u.Crashes)
}

func collectStatus(out chan<- prometheus.Metric, s camera.Status) {
	metric.Gauge(out, metric.CameraUp, metric.Bool(s.State == camera.Live), s.ID)
	for rendition, n := range s.Counts.Published {
		metric.Counter(out, metric.FramesPublished, n, s.ID, rendition)
	}
	for _, state := range camera.States {
		metric.Gauge(out, descState, metric.Bool(s.State == state), s.ID, string(state))
	}
	for _, reason := range camera.Reasons {
		metric.Gauge(out, descReason, metric.Bool(s.Reason == reason), s.ID, string(reason))
	}
	metric.Gauge(out, descSince, metric.UnixTime(s.Since), s.ID)
	metric.Gauge(out, descInfo, 1, s.ID, s.Title, s.Format.Backend, s.Format.Codec, strconv.FormatBool(s.Format.Passthrough))
	metric.Gauge(out, descFPS, s.Counts.FPS, s.ID)
	metric.Counter(out, descCaptured, s.Counts.Captured, s.ID)
	for cause, n := range s.Counts.Refused {
		metric.Counter(out, descRefused, n, s.ID, cause)
	}
	metric.Gauge(out, descLastFrame, metric.UnixTime(s.LastFrame), s.ID)
	for reason, n := range s.Counts.Restarts {
		metric.Counter(out, descRestarts, n, s.ID, string(reason))
	}
	metric.CounterFloat(out, descCPU, s.Worker.CPUSeconds, s.ID)
	metric.Gauge(out, descRSS, float64(s.Worker.RSSBytes), s.ID)
	metric.Gauge(out, descMemory, float64(s.Worker.LimitBytes), s.ID)
	collectTracks(out, s.ID, s.Tracks)
	collectDecoders(out, s.ID, s.Decoders)
}
