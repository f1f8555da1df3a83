// Package metric has helpers for the Prometheus metrics of several packages: values that are read at each scrape, and histograms of frame
// times.
package metric

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Collector sends metrics when Prometheus scrapes. It describes none in advance, because the series depend on the configuration.
type Collector func(out chan<- prometheus.Metric)

// Describe sends nothing, which makes the registry check each scrape instead.
func (Collector) Describe(chan<- *prometheus.Desc) {}

// Collect calls the function.
func (c Collector) Collect(out chan<- prometheus.Metric) { c(out) }

// Desc describes a metric.
func Desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// These metrics come from two packages: source sends them for the cameras of this camd, and bus for those of other sites. Prometheus's
// registry refuses a scrape in which one metric has two help texts.
var (
	CameraUp        = Desc("camd_camera_up", "1 if the camera is live, 0 if not.", "camera")
	FramesPublished = Desc("camd_camera_frames_published_total", "Live pictures published to viewers.", "camera", "rendition")
)

// Gauge sends one series of a gauge.
func Gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// Counter sends one series of a counter.
func Counter(out chan<- prometheus.Metric, d *prometheus.Desc, v uint64, labels ...string) {
	CounterFloat(out, d, float64(v), labels...)
}

// CounterFloat sends one series of a counter whose values need not be whole numbers, such as seconds.
func CounterFloat(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

// Bool returns 1 for true and 0 for false.
func Bool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// UnixTime returns t in seconds since 1970, and 0 for the zero time.
func UnixTime(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// frameTimeBuckets are upper bounds in seconds. A healthy camera needs less than the first. A viewer that needs more than the last is
// disconnected.
var frameTimeBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}

// NewFrameTimes returns a histogram of seconds by camera and one more label, such as rendition. It has classic buckets and native ones,
// which are at most 10 % apart.
func NewFrameTimes(name, help, label string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: frameTimeBuckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
	}, []string{"camera", label})
}
