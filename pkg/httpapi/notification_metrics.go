package httpapi

// Notifications returns what counts the notices to receivers of a kind by what becomes of them, and makes its series appear
// at zero. It is safe for concurrent use.
func (m *Metrics) Notifications(kind string, results ...string) func(result string) {
	for _, r := range results {
		m.notifications.WithLabelValues(kind, r)
	}
	return func(result string) { m.notifications.WithLabelValues(kind, result).Inc() }
}
