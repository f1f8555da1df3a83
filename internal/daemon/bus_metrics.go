package daemon

import (
	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/bus"
)

// busCollector reads the bus when Prometheus asks.
type busCollector struct{ registry *cameraRegistry }

func busDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("camd_bus_"+name, help, labels, nil)
}

var (
	busConnected            = busDesc("connected", "1 while there is a connection to the NATS servers, else 0.")
	busReconnects           = busDesc("reconnects_total", "Connections to the NATS servers made after the first.")
	busSites                = busDesc("sites", "Other sites of which something was heard lately.")
	busSilentSites          = busDesc("silent_sites", "Other sites of which nothing has been heard lately, and whose cameras are therefore offline.")
	busDuplicateCameras     = busDesc("duplicate_cameras", "Cameras of this camd that are not offered, since another publisher of this site's name has them.")
	busCameras              = busDesc("cameras", "Cameras of other sites that this relay lists.")
	busRefusedMessages      = busDesc("messages_refused_total", "Messages from the bus that were not taken, or not as a whole.", "reason")
	busStreamsWithoutSeries = busDesc("streams_without_series", "Streams from the bus that were asked for here and have no series of their own, since there are too many.")

	busWatched = busDesc("watched", "1 while the stream goes over the bus because somebody watches it, else 0.", "direction", "camera", "rendition")
	busPassed  = busDesc("frames_passed_total", "Pictures published while the stream was watched: those that went over the bus, and those that did not.", "direction", "camera", "rendition")
	busFrames  = busDesc("frames_total", "Pictures handed to the bus (out) or had from it (in).", "direction", "camera", "rendition")
	busBytes   = busDesc("bytes_total", "Bytes of these pictures.", "direction", "camera", "rendition")
	busDropped = busDesc("frames_dropped_total", "Pictures published while the stream was watched that did not go out, or did not come in.", "direction", "camera", "rendition", "reason")
)

// maxBusStreams is how many streams from the bus have series of their own.
const maxBusStreams = 1024

// Describe sends nothing: which series there are depends on the cameras.
func (c busCollector) Describe(chan<- *prometheus.Desc) {}

// Collect sends everything as it is now.
func (c busCollector) Collect(out chan<- prometheus.Metric) {
	s := c.registry.bus.State()
	send := func(kind prometheus.ValueType, d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	send(prometheus.GaugeValue, busConnected, boolToFloat(s.Connected))
	send(prometheus.CounterValue, busReconnects, float64(s.Reconnects))
	send(prometheus.GaugeValue, busSites, float64(s.Sites))
	send(prometheus.GaugeValue, busSilentSites, float64(s.Silent))
	send(prometheus.GaugeValue, busDuplicateCameras, float64(len(s.Duplicates)))
	send(prometheus.GaugeValue, busCameras, float64(len(c.registry.bus.Cameras())))
	for _, reason := range bus.RefusedCauses {
		send(prometheus.CounterValue, busRefusedMessages, float64(s.Refused[reason]), reason)
	}
	streams := func(direction string, reasons []string, all []bus.Stream) {
		for _, one := range all {
			labels := []string{direction, one.Camera, one.Rendition}
			send(prometheus.GaugeValue, busWatched, boolToFloat(one.Watched), labels...)
			send(prometheus.CounterValue, busPassed, float64(one.Passed), labels...)
			send(prometheus.CounterValue, busFrames, float64(one.Frames), labels...)
			send(prometheus.CounterValue, busBytes, float64(one.Bytes), labels...)
			for _, reason := range reasons {
				send(prometheus.CounterValue, busDropped, float64(one.Dropped[reason]), append(labels[:3:3], reason)...)
			}
		}
	}
	streams("out", bus.SentCauses, c.registry.outgoingStreams(s.Sent))
	shown := s.Received[:min(len(s.Received), maxBusStreams)]
	streams("in", bus.ReceivedCauses, shown)
	send(prometheus.GaugeValue, busStreamsWithoutSeries, float64(len(s.Received)-len(shown)))
}

// outgoingStreams returns the streams of the cameras that there are, at zero if they have not been watched yet.
func (c *cameraRegistry) outgoingStreams(sent []bus.Stream) (all []bus.Stream) {
	type key struct{ camera, rendition string }
	known := map[key]bus.Stream{}
	for _, one := range sent {
		known[key{one.Camera, one.Rendition}] = one
	}
	c.mu.Lock()
	cameras := c.localCameras
	c.mu.Unlock()
	for _, one := range cameras {
		for _, rendition := range one.Renditions() {
			stream := known[key{one.ID(), rendition}]
			stream.Camera, stream.Rendition = one.ID(), rendition
			all = append(all, stream)
		}
	}
	return all
}

func boolToFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
