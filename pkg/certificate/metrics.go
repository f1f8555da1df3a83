package certificate

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"camd/internal/metric"
)

var (
	descNotAfter = metric.Desc("camd_tls_certificate_not_after_timestamp_seconds", "When the certificate that is shown ends, as Unix time; 0 while there is none.")
	descReloads  = metric.Desc("camd_tls_certificate_reloads_total", "How often another certificate was found while camd ran.", "result")
	descReloadOK = metric.Desc("camd_tls_certificate_last_reload_success", "1 if the certificate that was found last is shown, 0 if it was of no use and the one before is.")
)

// State is the state of the certificate that a server presents.
type State struct {
	NotAfter        time.Time // when it expires
	Renewed, Failed uint64    // how often a new one was found: presented, or unusable
	LastFailed      bool      // the newest one is unusable, and the server presents the one before
}

// RegisterMetrics registers the metrics of a server's certificate. state is called at each scrape.
func RegisterMetrics(r prometheus.Registerer, state func() State) {
	r.MustRegister(metric.Collector(func(out chan<- prometheus.Metric) {
		s := state()
		metric.Gauge(out, descNotAfter, metric.UnixTime(s.NotAfter))
		metric.Counter(out, descReloads, s.Renewed, "ok")
		metric.Counter(out, descReloads, s.Failed, "failed")
		metric.Gauge(out, descReloadOK, metric.Bool(!s.LastFailed))
	}))
}
