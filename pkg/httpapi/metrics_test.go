package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"camd/internal/metric"
	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
)

func TestMetricsOfViewer(t *testing.T) {
	s := startServer(t, Options{Config: Config{Limits: Limits{Viewers: 7}}}, offlineCamera())
	r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	r.RemoteAddr = "10.9.9.9:1"
	v := viewers.New(viewers.Key{Camera: "yard", Rendition: camera.Main, Transport: "http1"}, r, false)
	if err := s.viewers.Add(v, nil); err != nil {
		t.Fatal(err)
	}
	defer s.viewers.Remove(v, "")
	want := `
# HELP camd_viewer_frames_dropped_total Frames that were published while a viewer watched and that the viewer did not get.
# TYPE camd_viewer_frames_dropped_total counter
camd_viewer_frames_dropped_total{camera="yard",reason="byte_limit",rendition="main",transport="http1"} 0
camd_viewer_frames_dropped_total{camera="yard",reason="byte_limit",rendition="main",transport="websocket"} 0
camd_viewer_frames_dropped_total{camera="yard",reason="fps_limit",rendition="main",transport="http1"} 0
camd_viewer_frames_dropped_total{camera="yard",reason="fps_limit",rendition="main",transport="websocket"} 0
camd_viewer_frames_dropped_total{camera="yard",reason="late",rendition="main",transport="http1"} 0
camd_viewer_frames_dropped_total{camera="yard",reason="late",rendition="main",transport="websocket"} 0
# HELP camd_viewers Viewers that are connected.
# TYPE camd_viewers gauge
camd_viewers{camera="yard",rendition="main",transport="http1"} 1
camd_viewers{camera="yard",rendition="main",transport="websocket"} 0
# HELP camd_viewers_limit Largest number of viewers that can be connected at once.
# TYPE camd_viewers_limit gauge
camd_viewers_limit 7
`
	err := testutil.GatherAndCompare(s.opts.Metrics, strings.NewReader(want), "camd_viewer_frames_dropped_total", "camd_viewers", "camd_viewers_limit")
	if err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(s.opts.Metrics)
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if text := body(t, s.get(t, "/metrics")); err != nil || strings.Contains(text, "10.9.9.9") {
		t.Error("a viewer's address is in the metrics", err)
	}
}

// A track of video has all reasons for which a ring drops frames.
func TestDropsOfVideoHaveTheirReasons(t *testing.T) {
	key := viewers.Key{Camera: "yard", Rendition: camera.Video, Transport: "http1"}
	stats := viewers.Stats{Totals: map[viewers.Key]viewers.Totals{key: {Late: 1, Lapped: 2, Resync: 3, Withdrawn: 4, OverLimit: 5}}}
	r := prometheus.NewRegistry()
	r.MustRegister(metric.Collector(func(out chan<- prometheus.Metric) {
		collectViewers(out, &activeConfig{}, []viewers.Key{key}, stats)
	}))
	want := `
# HELP camd_viewer_frames_dropped_total Frames that were published while a viewer watched and that the viewer did not get.
# TYPE camd_viewer_frames_dropped_total counter
camd_viewer_frames_dropped_total{camera="yard",reason="byte_limit",rendition="video",transport="http1"} 5
camd_viewer_frames_dropped_total{camera="yard",reason="lapped",rendition="video",transport="http1"} 2
camd_viewer_frames_dropped_total{camera="yard",reason="late",rendition="video",transport="http1"} 1
camd_viewer_frames_dropped_total{camera="yard",reason="resync",rendition="video",transport="http1"} 3
camd_viewer_frames_dropped_total{camera="yard",reason="withdrawn",rendition="video",transport="http1"} 4
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "camd_viewer_frames_dropped_total"); err != nil {
		t.Error(err)
	}
}
