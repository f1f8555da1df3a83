package certreload

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
)

func TestMetricsOfFailedRenewal(t *testing.T) {
	r := New(nil, zap.NewNop())
	r.state = State{NotAfter: time.Unix(1700000000, 0), Renewed: 2, Failed: 1, LastFailed: true}
	registry := prometheus.NewRegistry()
	r.RegisterMetrics(registry)
	want := `
# HELP camd_tls_certificate_last_reload_success 1 if camd serves the newest certificate that it found. 0 if it cannot use that one and still serves the previous one.
# TYPE camd_tls_certificate_last_reload_success gauge
camd_tls_certificate_last_reload_success 0
# HELP camd_tls_certificate_not_after_timestamp_seconds When the served certificate expires, as Unix time in seconds. 0 while there is none.
# TYPE camd_tls_certificate_not_after_timestamp_seconds gauge
camd_tls_certificate_not_after_timestamp_seconds 1.7e+09
# HELP camd_tls_certificate_reloads_total New certificates found since the start: ok if camd serves it, failed if it cannot.
# TYPE camd_tls_certificate_reloads_total counter
camd_tls_certificate_reloads_total{result="failed"} 1
camd_tls_certificate_reloads_total{result="ok"} 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
