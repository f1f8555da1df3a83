package httpapi

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// CertificateState is how the certificate that a server shows stands.
type CertificateState struct {
	NotAfter        time.Time // when it ends
	Renewed, Failed uint64    // how often another was found, and shown or of no use
	LastFailed      bool      // the last that was found was of no use, and the one before is shown
}

var (
	descCertNotAfter = desc("camd_tls_certificate_not_after_timestamp_seconds", "When the certificate that is shown ends, as Unix time; 0 while there is none.")
	descCertReloads  = desc("camd_tls_certificate_reloads_total", "How often another certificate was found while camd ran.", "result")
	descCertReloadOK = desc("camd_tls_certificate_last_reload_success", "1 if the certificate that was found last is shown, 0 if it was of no use and the one before is.")
)

func collectCertificate(out chan<- prometheus.Metric, s CertificateState) {
	gauge(out, descCertNotAfter, unixTime(s.NotAfter))
	counter(out, descCertReloads, s.Renewed, "ok")
	counter(out, descCertReloads, s.Failed, "failed")
	gauge(out, descCertReloadOK, boolToFloat(!s.LastFailed))
}
