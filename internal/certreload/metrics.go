package certreload

import (
	"github.com/prometheus/client_golang/prometheus"

	"camd/internal/metric"
)

var (
	descNotAfter = metric.Desc("camd_tls_certificate_not_after_timestamp_seconds", "When the served certificate expires, as Unix time in seconds. 0 while there is none.")
	descReloads  = metric.Desc("camd_tls_certificate_reloads_total", "New certificates found since the start: ok if camd serves it, failed if it cannot.", "result")
	descReloadOK = metric.Desc("camd_tls_certificate_last_reload_success", "1 if camd serves the newest certificate that it found. 0 if it cannot use that one and still serves the previous one.")
)

// RegisterMetrics registers the metrics of the certificate that is served.
func (r *Reloader) RegisterMetrics(reg prometheus.Registerer) {
	reg.MustRegister(metric.Collector(func(out chan<- prometheus.Metric) {
		s := r.State()
		metric.Gauge(out, descNotAfter, metric.UnixTime(s.NotAfter))
		metric.Counter(out, descReloads, s.Renewed, "ok")
		metric.Counter(out, descReloads, s.Failed, "failed")
		metric.Gauge(out, descReloadOK, metric.Bool(!s.LastFailed))
	}))
}
