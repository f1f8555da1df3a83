package notify

import "github.com/prometheus/client_golang/prometheus"

// Metrics count the results of all receivers. They are safe for concurrent use.
type Metrics struct{ results *prometheus.CounterVec }

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "camd_notifications_total", Help: "Notices to webhooks and MQTT brokers, and failed attempts to deliver them, by result.",
	}, []string{"receiver_kind", "result"})}
	r.MustRegister(m.results)
	return m
}

// ResultCounter returns a function that counts a result of one kind of receiver, such as "webhook". It creates the series of all
// results at zero.
func ResultCounter[R ~string](m *Metrics, receiverKind string, results []R) func(R) {
	for _, r := range results {
		m.results.WithLabelValues(receiverKind, string(r))
	}
	return func(r R) { m.results.WithLabelValues(receiverKind, string(r)).Inc() }
}
