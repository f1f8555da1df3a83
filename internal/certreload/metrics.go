package certreload

import (
	"github.com/prometheus/client_golang/prometheus"

	"camd/internal/metric"
)

var (
	descNotAfter = metric.Desc("camd_tls_certificate_not_after_timestamp_seconds", "When the certificate that is shown ends, as Unix time; 0 while there is none.")
	descReloads  = metric.Desc("camd_tls_certificate_reloads_total", "How often another certificate was found while camd ran.", "result")
	descReloadOK = metric.Desc("camd_tls_certificate_last_reload_success", "1 if the certificate that was found last is shown, 0 if it was of no use and the one before is.")
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
