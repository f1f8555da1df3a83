package bus

import (
	"github.com/prometheus/client_golang/prometheus"

	"camd/internal/metric"
	"camd/pkg/camera"
)

var (
	descConnected            = metric.Desc("camd_bus_connected", "1 while this camd is connected to a NATS server, else 0.")
	descReconnects           = metric.Desc("camd_bus_reconnects_total", "Connections to a NATS server after the first one.")
	descSites                = metric.Desc("camd_bus_sites", "Other sites that this camd hears.")
	descSilentSites          = metric.Desc("camd_bus_silent_sites", "Other sites that have become silent. Their cameras are offline.")
	descDuplicateCameras     = metric.Desc("camd_bus_duplicate_cameras", "Cameras of this camd that it does not publish, because another camd of the same site publishes them.")
	descCameras              = metric.Desc("camd_bus_cameras", "Cameras of other sites in the list of this relay.")
	descRefusedMessages      = metric.Desc("camd_bus_messages_refused_total", "Messages from the bus that camd refused, in whole or in part.", "reason")
	descStreamsWithoutSeries = metric.Desc("camd_bus_streams_without_series", "Watched streams of other sites that have no series of their own, because there are too many.")

	descWatched = metric.Desc("camd_bus_watched", "1 while the stream goes over the bus because a viewer watches it, else 0.", "direction", "camera", "rendition")
	descPassed  = metric.Desc("camd_bus_frames_passed_total", "Pictures that the publisher had while the stream was watched, sent and dropped ones together.", "direction", "camera", "rendition")
	descFrames  = metric.Desc("camd_bus_frames_total", "Pictures sent to the bus (out) or received from it (in).", "direction", "camera", "rendition")
	descBytes   = metric.Desc("camd_bus_bytes_total", "Bytes of the pictures sent to the bus (out) or received from it (in).", "direction", "camera", "rendition")
	descDropped = metric.Desc("camd_bus_frames_dropped_total", "Pictures of a watched stream that were not sent (out) or not received (in).", "direction", "camera", "rendition", "reason")
)

// maxStreamsWithSeries is how many received streams have series.
const maxStreamsWithSeries = 1024

// RegisterMetrics registers the metrics of the bus and of remote cameras. watched is called at each scrape. It returns which
// renditions of each remote camera viewers have watched; only these have a count of published frames, because a relay may list
// thousands of cameras.
func (b *Bus) RegisterMetrics(r prometheus.Registerer, watched func() map[string][]string) {
	r.MustRegister(metric.Collector(func(out chan<- prometheus.Metric) {
		cameras := b.Cameras()
		collectCameras(out, cameras, watched())
		s := b.State()
		collectConnection(out, s)
		metric.Gauge(out, descCameras, float64(len(cameras)))
		collectStreams(out, "out", SentCauses, withUnwatched(s.Sent, *b.localCameras.Load()))
		received := s.Received[:min(len(s.Received), maxStreamsWithSeries)]
		collectStreams(out, "in", ReceivedCauses, received)
		metric.Gauge(out, descStreamsWithoutSeries, float64(len(s.Received)-len(received)))
	}))
}

func collectCameras(out chan<- prometheus.Metric, cameras []*Camera, watched map[string][]string) {
	for _, c := range cameras {
		s := c.Status()
		metric.Gauge(out, metric.CameraUp, metric.Bool(s.State == camera.Live), s.ID)
		for _, rendition := range watched[s.ID] {
			metric.Counter(out, metric.FramesPublished, s.Counts.Published[rendition], s.ID, rendition)
		}
	}
}

func collectConnection(out chan<- prometheus.Metric, s State) {
	metric.Gauge(out, descConnected, metric.Bool(s.Connected))
	metric.Counter(out, descReconnects, s.Reconnects)
	metric.Gauge(out, descSites, float64(s.Sites))
	metric.Gauge(out, descSilentSites, float64(s.Silent))
	metric.Gauge(out, descDuplicateCameras, float64(len(s.Duplicates)))
	for _, reason := range RefusedCauses {
		metric.Counter(out, descRefusedMessages, s.Refused[reason], reason)
	}
}

func collectStreams(out chan<- prometheus.Metric, direction string, causes []string, streams []Stream) {
	for _, s := range streams {
		metric.Gauge(out, descWatched, metric.Bool(s.Watched), direction, s.Camera, s.Rendition)
		metric.Counter(out, descPassed, s.Passed, direction, s.Camera, s.Rendition)
		metric.Counter(out, descFrames, s.Frames, direction, s.Camera, s.Rendition)
		metric.Counter(out, descBytes, s.Bytes, direction, s.Camera, s.Rendition)
		for _, cause := range causes {
			metric.Counter(out, descDropped, s.Dropped[cause], direction, s.Camera, s.Rendition, cause)
		}
	}
}

// withUnwatched returns the streams of the local cameras, at zero if nobody has watched them.
func withUnwatched(sent []Stream, cameras []LocalCamera) (all []Stream) {
	counts := map[streamKey]Stream{}
	for _, s := range sent {
		counts[streamKey{s.Camera, s.Rendition}] = s
	}
	for _, c := range cameras {
		id := c.Status().ID
		for _, rendition := range c.Renditions() {
			s := counts[streamKey{id, rendition}]
			s.Camera, s.Rendition = id, rendition
			all = append(all, s)
		}
	}
	return all
}
