package httpapi

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
)

// collector reads cameras and viewers when Prometheus asks.
type collector struct{ server *Server }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	descUp        = desc("camd_camera_up", "1 while the camera gives live pictures, else 0.", "camera")
	descState     = desc("camd_camera_state", "1 for the state that the camera is in, 0 for the others.", "camera", "state")
	descReason    = desc("camd_camera_reason", "1 for the reason why the camera is not live, 0 for the others.", "camera", "reason")
	descSince     = desc("camd_camera_state_since_timestamp_seconds", "When the camera came into its state, as Unix time.", "camera")
	descInfo      = desc("camd_camera_info", "Always 1; the labels say what the camera delivers.", "camera", "title", "backend", "codec", "passthrough")
	descFPS       = desc("camd_camera_frames_per_second", "Pictures read from the camera per second, over the last five seconds.", "camera")
	descCaptured  = desc("camd_camera_frames_captured_total", "Pictures read from the camera.", "camera")
	descPublished = desc("camd_camera_frames_published_total", "Live pictures given to viewers.", "camera", "rendition")
	descRefused   = desc("camd_camera_frames_refused_total", "Pictures that were not fit to be shown.", "camera", "reason")
	descLastFrame = desc("camd_camera_last_frame_timestamp_seconds", "When the newest live picture was taken, as Unix time; 0 before the first.", "camera")
	descRestarts  = desc("camd_camera_restarts_total", "Captures that ended or could not begin.", "camera", "reason")
	descCPU       = desc("camd_capture_cpu_seconds_total", "Processor time used by the camera's capture processes.", "camera")
	descRSS       = desc("camd_capture_resident_memory_bytes", "Resident memory of the camera's capture process.", "camera")
	descMemory    = desc("camd_capture_memory_limit_bytes", "Resident memory beyond which the camera's capture process is replaced; 0 is no limit.", "camera")

	descViewers        = desc("camd_viewers", "Viewers connected now.", "camera", "rendition", "transport")
	descViewersLimit   = desc("camd_viewers_limit", "How many viewers may be connected at once.")
	descSent           = desc("camd_viewer_frames_sent_total", "Pictures handed to viewers' connections.", "camera", "rendition", "transport")
	descDropped        = desc("camd_viewer_frames_dropped_total", "Pictures published while a viewer watched that it did not get.", "camera", "rendition", "transport", "reason")
	descBytes          = desc("camd_viewer_sent_bytes_total", "Bytes handed to viewers' connections.", "camera", "rendition", "transport")
	descCut            = desc("camd_viewers_cut_total", "Viewers sent away.", "camera", "reason")
	descRemoteExcluded = desc("camd_remote_streams_without_series", "Streams of other sites' cameras that were watched here and have no series, since there are too many.")
	descWalls          = desc("camd_viewer_walls", "WebSockets of walls connected now, with cameras or without.")
	descViewersRefused = desc("camd_viewers_refused_total", "Viewers not admitted.", "reason")

	descConns           = desc("camd_connections", "Connections open now, whatever they are for.")
	descConnLimit       = desc("camd_connections_limit", "How many connections may be open at once.")
	descConnsRefused    = desc("camd_connections_refused_total", "Connections not let in, since all that were there were at work.", "reason")
	descConnsDisplaced  = desc("camd_connections_displaced_total", "Connections without a request that were closed to make room for others.", "reason")
	descRequestsRefused = desc("camd_requests_refused_total", "Requests, beside viewers', that asked for more than may be, and connections cut for that.", "reason")
)

// Describe sends nothing: which series there are depends on the cameras.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends everything as it is now.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	cfg := c.server.config.Load()
	watched := c.server.remotes.renditionsByCamera()
	for _, id := range cfg.Order {
		if cfg.remote[id] {
			collectRemote(out, cfg.Cameras[id].Status(), watched[id])
		} else {
			collectCamera(out, cfg.Cameras[id].Status())
		}
	}
	collectViewers(out, cfg, cfg.streamKeysWithRemote(watched), c.server.viewers.Stats())
	gauge(out, descRemoteExcluded, float64(c.server.remotes.countExcluded()))
	collectConnections(out, c.server)
	collectReloads(out, c.server.reloadState.current())
	if state := c.server.opts.Certificate; state != nil {
		collectCertificate(out, state())
	}
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func counter(out chan<- prometheus.Metric, d *prometheus.Desc, v uint64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

func collectCamera(out chan<- prometheus.Metric, s camera.Status) {
	gauge(out, descUp, boolToFloat(s.State == camera.Live), s.ID)
	for rendition, n := range s.Counts.Published {
		counter(out, descPublished, n, s.ID, rendition)
	}
	for _, state := range camera.States {
		gauge(out, descState, boolToFloat(s.State == state), s.ID, string(state))
	}
	for _, reason := range camera.Reasons {
		gauge(out, descReason, boolToFloat(s.Reason == reason), s.ID, string(reason))
	}
	gauge(out, descSince, unixTime(s.Since), s.ID)
	passthrough := "false"
	if s.Format.Passthrough {
		passthrough = "true"
	}
	gauge(out, descInfo, 1, s.ID, s.Title, s.Format.Backend, s.Format.Codec, passthrough)
	gauge(out, descFPS, s.Counts.FPS, s.ID)
	counter(out, descCaptured, s.Counts.Captured, s.ID)
	for cause, n := range s.Counts.Refused {
		counter(out, descRefused, n, s.ID, cause)
	}
	gauge(out, descLastFrame, unixTime(s.LastFrame), s.ID)
	for reason, n := range s.Counts.Restarts {
		counter(out, descRestarts, n, s.ID, string(reason))
	}
	out <- prometheus.MustNewConstMetric(descCPU, prometheus.CounterValue, s.Worker.CPUSeconds, s.ID)
	gauge(out, descRSS, float64(s.Worker.RSSBytes), s.ID)
	gauge(out, descMemory, float64(s.Worker.LimitBytes), s.ID)
}

// collectRemote sends what a relay knows of another site's camera: whether it is live and, of the renditions that have been watched
// here, how many pictures came. Its own camd has the rest.
func collectRemote(out chan<- prometheus.Metric, s camera.Status, watched []string) {
	gauge(out, descUp, boolToFloat(s.State == camera.Live), s.ID)
	for _, rendition := range watched {
		counter(out, descPublished, s.Counts.Published[rendition], s.ID, rendition)
	}
}

// collectViewers sends a row, at zero if need be, for each of the keys, and for removed cameras how many viewers were cut for that.
func collectViewers(out chan<- prometheus.Metric, cfg *activeConfig, keys []viewers.Key, stats viewers.Stats) {
	gauge(out, descViewersLimit, float64(stats.MaxViewers))
	gauge(out, descWalls, float64(stats.Walls))
	for _, key := range keys {
		gauge(out, descViewers, float64(stats.Connected[key]), key.Camera, key.Rendition, key.Transport)
		t := stats.Totals[key]
		counter(out, descSent, t.Sent, key.Camera, key.Rendition, key.Transport)
		counter(out, descDropped, t.Slow, key.Camera, key.Rendition, key.Transport, viewers.DropSlow)
		counter(out, descDropped, t.Rate, key.Camera, key.Rendition, key.Transport, viewers.DropRate)
		counter(out, descDropped, t.OverLimit, key.Camera, key.Rendition, key.Transport, viewers.DropBytes)
		counter(out, descBytes, t.Bytes, key.Camera, key.Rendition, key.Transport)
	}
	for _, id := range cfg.Order {
		for _, reason := range viewers.CutReasons {
			if n := stats.Cut[[2]string{id, reason}]; n > 0 || !cfg.remote[id] {
				counter(out, descCut, n, id, reason)
			}
		}
	}
	for k, n := range stats.Cut {
		if _, exists := cfg.Cameras[k[0]]; !exists && k[1] == viewers.CutRemoved {
			counter(out, descCut, n, k[0], k[1])
		}
	}
	for limit, n := range stats.Refused {
		counter(out, descViewersRefused, n, limit)
	}
}

func boolToFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// unixTime is t in seconds since 1970, 0 for never.
func unixTime(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

func collectConnections(out chan<- prometheus.Metric, s *Server) {
	n := s.connLimiter.Count()
	gauge(out, descConns, float64(n.Open))
	gauge(out, descConnLimit, float64(n.Limits.Total))
	for reason, n := range n.Refused {
		counter(out, descConnsRefused, n, reason)
	}
	for reason, n := range n.Displaced {
		counter(out, descConnsDisplaced, n, reason)
	}
	for reason, n := range s.refusedRequests() {
		counter(out, descRequestsRefused, n, reason)
	}
}
