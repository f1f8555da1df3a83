package httpapi

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"camd/internal/metric"
	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
)

var (
	descViewers        = metric.Desc("camd_viewers", "Viewers that are connected.", "camera", "rendition", "transport")
	descViewersLimit   = metric.Desc("camd_viewers_limit", "Largest number of viewers that can be connected at once.")
	descSent           = metric.Desc("camd_viewer_frames_sent_total", "Frames handed to viewers' connections.", "camera", "rendition", "transport")
	descDropped        = metric.Desc("camd_viewer_frames_dropped_total", "Frames that were published while a viewer watched and that the viewer did not get.", "camera", "rendition", "transport", "reason")
	descBytes          = metric.Desc("camd_viewer_sent_bytes_total", "Bytes handed to viewers' connections.", "camera", "rendition", "transport")
	descCut            = metric.Desc("camd_viewers_cut_total", "Viewers that camd disconnected.", "camera", "reason")
	descRemoteExcluded = metric.Desc("camd_remote_streams_without_series", "Streams of other sites' cameras that were watched here and have no series, because there are too many.")
	descWalls          = metric.Desc("camd_viewer_walls", "WebSockets of walls that are connected, with or without cameras.")
	descViewersRefused = metric.Desc("camd_viewers_refused_total", "Viewers refused because a limit was reached.", "reason")

	descConns           = metric.Desc("camd_connections", "Open connections of all kinds.")
	descConnLimit       = metric.Desc("camd_connections_limit", "Largest number of connections that can be open at once.")
	descConnsRefused    = metric.Desc("camd_connections_refused_total", "Connections refused because a limit was reached and all other connections were in use.", "reason")
	descConnsDisplaced  = metric.Desc("camd_connections_displaced_total", "Connections without a request that were closed to make room for new ones.", "reason")
	descRequestsRefused = metric.Desc("camd_requests_refused_total", "Requests refused, and connections closed, because a client exceeded a limit. Refused viewers are not counted.", "reason")

	descReloads  = metric.Desc("camd_config_reloads_total", "Reloads of the configuration, by result.", "result")
	descReloadOK = metric.Desc("camd_config_last_reload_success", "1 if the configuration that was read last is in force, 0 if it was refused and an earlier one is in force.")
	descReloadAt = metric.Desc("camd_config_last_reload_timestamp_seconds", "Time at which the configuration was last read, as Unix time.")
)

func newFrameAge() *prometheus.HistogramVec {
	return metric.NewFrameTimes("camd_viewer_frame_age_seconds", "Age of a frame in seconds when its last byte was handed to a viewer's connection.", "rendition")
}

// newMetricsHandler serves the metrics in the text formats of Prometheus and OpenMetrics.
func newMetricsHandler(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// deleteFrameAges deletes the histograms of streams that no longer exist.
func (s *Server) deleteFrameAges(before, now []viewers.Key) {
	type series struct{ camera, rendition string }
	kept := map[series]bool{}
	for _, key := range now {
		kept[series{key.Camera, key.Rendition}] = true
	}
	for _, key := range before {
		if !kept[series{key.Camera, key.Rendition}] {
			s.frameAge.DeleteLabelValues(key.Camera, key.Rendition)
		}
	}
}

// collectMetrics sends the metrics that are read at each scrape.
func (s *Server) collectMetrics(out chan<- prometheus.Metric) {
	cfg := s.config.Load()
	keys := append(cfg.streamKeysWithRemote(s.remotes.renditionsByCamera()), cfg.existingTrackKeys()...)
	collectViewers(out, cfg, keys, s.viewers.Stats())
	metric.Gauge(out, descRemoteExcluded, float64(s.remotes.countExcluded()))
	collectConnections(out, s)
	collectReloads(out, s.reloadState.current())
}

// collectViewers sends the series of each key, at zero without viewers. Removed cameras keep the count of viewers that were disconnected
// for that.
func collectViewers(out chan<- prometheus.Metric, cfg *activeConfig, keys []viewers.Key, stats viewers.Stats) {
	metric.Gauge(out, descViewersLimit, float64(stats.MaxViewers))
	metric.Gauge(out, descWalls, float64(stats.Walls))
	for _, key := range keys {
		metric.Gauge(out, descViewers, float64(stats.Connected[key]), key.Camera, key.Rendition, key.Transport)
		t := stats.Totals[key]
		metric.Counter(out, descSent, t.Sent, key.Camera, key.Rendition, key.Transport)
		reasons, dropped := viewers.PictureDropReasons, t.DroppedFor()
		if camera.IsTrackName(key.Rendition) {
			reasons = viewers.VideoDropReasons
		}
		for _, reason := range reasons {
			metric.Counter(out, descDropped, dropped[reason], key.Camera, key.Rendition, key.Transport, reason)
		}
		metric.Counter(out, descBytes, t.Bytes, key.Camera, key.Rendition, key.Transport)
	}
	for _, id := range cfg.Order {
		for _, reason := range viewers.CutReasons {
			if n := stats.Cut[[2]string{id, reason}]; n > 0 || !cfg.remote[id] {
				metric.Counter(out, descCut, n, id, reason)
			}
		}
	}
	for k, n := range stats.Cut {
		if _, exists := cfg.Cameras[k[0]]; !exists && k[1] == viewers.CutRemoved {
			metric.Counter(out, descCut, n, k[0], k[1])
		}
	}
	for limit, n := range stats.Refused {
		metric.Counter(out, descViewersRefused, n, limit)
	}
}

func collectConnections(out chan<- prometheus.Metric, s *Server) {
	n := s.connLimiter.Count()
	metric.Gauge(out, descConns, float64(n.Open))
	metric.Gauge(out, descConnLimit, float64(n.Limits.Total))
	for reason, n := range n.Refused {
		metric.Counter(out, descConnsRefused, n, reason)
	}
	for reason, n := range n.Displaced {
		metric.Counter(out, descConnsDisplaced, n, reason)
	}
	for reason, n := range s.refusedRequests() {
		metric.Counter(out, descRequestsRefused, n, reason)
	}
}

func collectReloads(out chan<- prometheus.Metric, r reloadStatus) {
	metric.Counter(out, descReloads, r.ok, "ok")
	metric.Counter(out, descReloads, r.failed, "failed")
	metric.Gauge(out, descReloadOK, metric.Bool(r.err == nil))
	metric.Gauge(out, descReloadAt, metric.UnixTime(r.at))
}
