package httpapi

import (
	"net/http"
	"runtime"
	"time"

	"camd/pkg/httpapi/viewers"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics holds what camd measures while it works. What it merely counts is read from the cameras and viewers when
// Prometheus asks. Safe for concurrent use.
type Metrics struct {
	registry      *prometheus.Registry
	encode        *prometheus.HistogramVec
	publish       *prometheus.HistogramVec
	frameAge      *prometheus.HistogramVec
	notifications *prometheus.CounterVec
}

// frameTimes are bucket bounds in seconds, from below a millisecond, which a healthy path takes, to the ten seconds
// after which a viewer is cut.
var frameTimes = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}

// NewMetrics returns metrics in a registry of their own.
func NewMetrics(version, commit string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		encode: histogram("camd_camera_encode_duration_seconds",
			"Time that encoding a picture as JPEG took; nothing is observed for pictures passed through.", "camera", "rendition"),
		publish: histogram("camd_camera_publish_delay_seconds",
			"Time from a picture's capture to its publication to viewers.", "camera", "rendition"),
		frameAge: histogram("camd_viewer_frame_age_seconds",
			"Age of a picture when its last byte was handed to a viewer's connection.", "camera", "rendition"),
	}
	m.notifications = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "camd_notifications_total", Help: "What became of notices to others, and of attempts to deliver them.",
	}, []string{"receiver_kind", "result"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "camd_build_info", Help: "Always 1; the labels say which camd this is.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.encode, m.publish, m.frameAge, m.notifications, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// histogram has classic buckets, and beside them native ones, at most a tenth apart, for a Prometheus that asks for those.
func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: frameTimes,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
	}, labels)
}

// Register adds what somebody else counts.
func (m *Metrics) Register(c prometheus.Collector) { m.registry.MustRegister(c) }

// Handler serves the metrics in Prometheus' and OpenMetrics' text formats.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// CameraObserver returns the observer of one camera's pictures, and makes its histograms appear at zero.
func (m *Metrics) CameraObserver(id string, renditions []string) *CameraObserver {
	t := &CameraObserver{encode: map[string]prometheus.Observer{}, publish: map[string]prometheus.Observer{}}
	for _, r := range renditions {
		m.frameAgeOf(id, r)
		t.encode[r], t.publish[r] = m.encode.WithLabelValues(id, r), m.publish.WithLabelValues(id, r)
	}
	return t
}

func (m *Metrics) frameAgeOf(id, rendition string) prometheus.Observer {
	return m.frameAge.WithLabelValues(id, rendition)
}

// deleteSeries deletes the histograms of streams that are gone.
func (m *Metrics) deleteSeries(before, now []viewers.Key) {
	type series struct{ camera, rendition string }
	kept := map[series]bool{}
	for _, s := range now {
		kept[series{s.Camera, s.Rendition}] = true
	}
	for _, s := range before {
		if !kept[series{s.Camera, s.Rendition}] {
			for _, h := range []*prometheus.HistogramVec{m.encode, m.publish, m.frameAge} {
				h.DeleteLabelValues(s.Camera, s.Rendition)
			}
		}
	}
}

// CameraObserver observes the time that one camera's pictures take, by rendition.
type CameraObserver struct {
	encode, publish map[string]prometheus.Observer
}

// Encoded notes what encoding a picture took.
func (t *CameraObserver) Encoded(rendition string, d time.Duration) {
	t.encode[rendition].Observe(d.Seconds())
}

// Published notes the time from a picture's capture to its publication.
func (t *CameraObserver) Published(rendition string, d time.Duration) {
	t.publish[rendition].Observe(d.Seconds())
}
