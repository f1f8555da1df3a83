package notify

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// The series of a receiver exist at zero before the first notice. Receivers of the same kind share them, also after a reload.
func TestNotificationsAreCountedByReceiverKind(t *testing.T) {
	type result string
	r := prometheus.NewRegistry()
	m := NewMetrics(r)
	first := ResultCounter(m, "webhook", []result{"delivered", "failed"})
	ResultCounter(m, "mqtt", []result{"delivered"})
	first("failed")
	ResultCounter(m, "webhook", []result{"delivered", "failed"})("failed")
	want := `
# HELP camd_notifications_total Notices to webhooks and MQTT brokers, and failed attempts to deliver them, by result.
# TYPE camd_notifications_total counter
camd_notifications_total{receiver_kind="mqtt",result="delivered"} 0
camd_notifications_total{receiver_kind="webhook",result="delivered"} 0
camd_notifications_total{receiver_kind="webhook",result="failed"} 2
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
