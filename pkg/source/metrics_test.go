package source

import (
	"go.uber.org/zap"

	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"camd/internal/metric"
	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// offlineStatus is the status of a camera that refuses the login.
func offlineStatus() camera.Status {
	return camera.Status{
		ID: "yard", State: camera.Offline, Reason: camera.Auth, Since: time.Unix(1700000000, 0), Worker: camera.Worker{CPUSeconds: 1.5, LimitBytes: 1 << 30},
		Counts: camera.Counts{
			Captured: 10, Published: map[string]uint64{camera.Main: 9},
			Refused:  map[string]uint64{"truncated": 1, "damaged": 0},
			Restarts: map[camera.Reason]uint64{camera.Auth: 2, camera.Timeout: 0},
		},
	}
}

// registryOf returns a registry that collects a status.
func registryOf(s camera.Status) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(metric.Collector(func(out chan<- prometheus.Metric) { collectStatus(out, s) }))
	return r
}

func TestMetricsOfOfflineCamera(t *testing.T) {
	want := `
# HELP camd_camera_frames_captured_total Pictures read from the camera.
# TYPE camd_camera_frames_captured_total counter
camd_camera_frames_captured_total{camera="yard"} 10
# HELP camd_camera_frames_published_total Live pictures published to viewers.
# TYPE camd_camera_frames_published_total counter
camd_camera_frames_published_total{camera="yard",rendition="main"} 9
# HELP camd_camera_restarts_total Capture processes that ended, and attempts to open the camera that failed.
# TYPE camd_camera_restarts_total counter
camd_camera_restarts_total{camera="yard",reason="auth"} 2
camd_camera_restarts_total{camera="yard",reason="timeout"} 0
# HELP camd_camera_up 1 if the camera is live, 0 if not.
# TYPE camd_camera_up gauge
camd_camera_up{camera="yard"} 0
# HELP camd_capture_cpu_seconds_total CPU time that the capture processes that read the camera have used, in seconds. Decoders do not count.
# TYPE camd_capture_cpu_seconds_total counter
camd_capture_cpu_seconds_total{camera="yard"} 1.5
# HELP camd_capture_memory_limit_bytes Limit on the resident memory of each capture process of the camera, decoders included, in bytes. 0 means no limit.
# TYPE camd_capture_memory_limit_bytes gauge
camd_capture_memory_limit_bytes{camera="yard"} 1.073741824e+09
`
	r := registryOf(offlineStatus())
	err := testutil.GatherAndCompare(r, strings.NewReader(want), "camd_camera_frames_captured_total", "camd_camera_frames_published_total",
		"camd_camera_restarts_total", "camd_camera_up", "camd_capture_cpu_seconds_total", "camd_capture_memory_limit_bytes")
	if err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Error(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// The current state and reason are 1, and every other state and reason is 0.
func TestStateAndReasonMetricsAreOneHot(t *testing.T) {
	values := func(s camera.Status, name, label string) map[string]float64 {
		t.Helper()
		families, err := registryOf(s).Gather()
		if err != nil {
			t.Fatal(err)
		}
		byLabel := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if f.GetName() == name && l.GetName() == label {
						byLabel[l.GetValue()] = m.GetGauge().GetValue()
					}
				}
			}
		}
		return byLabel
	}
	live := offlineStatus()
	live.State, live.Reason = camera.Live, camera.None
	for _, s := range []camera.Status{offlineStatus(), live} {
		states, reasons := values(s, "camd_camera_state", "state"), values(s, "camd_camera_reason", "reason")
		if len(states) != len(camera.States) || len(reasons) != len(camera.Reasons) {
			t.Errorf("%s: %d states and %d reasons, want %d and %d", s.State, len(states), len(reasons), len(camera.States), len(camera.Reasons))
		}
		for state, v := range states {
			if want := metric.Bool(state == string(s.State)); v != want {
				t.Errorf("%s: state %s is %g, want %g", s.State, state, v, want)
			}
		}
		for reason, v := range reasons {
			if want := metric.Bool(reason == string(s.Reason)); v != want {
				t.Errorf("%s: reason %s is %g, want %g", s.State, reason, v, want)
			}
		}
	}
}

// A fleet's metrics follow its cameras and their renditions. A camera that stays keeps its histograms.
func TestMetricsFollowFleet(t *testing.T) {
	r := prometheus.NewRegistry()
	m := NewMetrics(r)
	options := func(id string, renditions ...string) Options {
		o := Options{Camera: options.Camera{ID: id, Source: sourceurl.Source{Kind: sourceurl.Test}}, WorkerPath: "/nowhere/" + WorkerName}
		for _, name := range renditions {
			o.Renditions = append(o.Renditions, camera.Rendition{Name: name, Width: 32, Quality: 50})
		}
		o.Observer = m.Observer(o.Camera)
		return o
	}
	check := func(when string, cameras, streams, published int) {
		t.Helper()
		for name, want := range map[string]int{
			"camd_camera_up": cameras, "camd_camera_frames_published_total": streams,
			"camd_camera_encode_duration_seconds": streams, "camd_camera_publish_delay_seconds": streams,
		} {
			if n, err := testutil.GatherAndCount(r, name); err != nil || n != want {
				t.Errorf("%s: %d series of %s, want %d; %v", when, n, name, want, err)
			}
		}
		if n := publishedBy(t, r, "stays"); n != published {
			t.Errorf("%s: the camera that stays has %d published frames, want %d", when, n, published)
		}
	}
	stays := options("stays", "small")
	f := NewFleet([]Options{stays, options("goes")}, m, zap.NewNop())
	runFleet(t, f)
	reconfigure := func(wanted ...Options) {
		t.Helper()
		if _, err := f.Reconfigure(t.Context(), wanted, func([]*Camera) {}); err != nil {
			t.Fatal(err)
		}
	}
	stays.Observer.Published(camera.Main, time.Second)
	check("at the start", 2, 3, 1)
	reconfigure(options("stays", "small"), options("comes", "small"))
	check("after a camera was replaced", 2, 4, 1)
	reconfigure(options("stays"), options("comes", "small"))
	check("after a rendition was removed", 2, 3, 1)
	m.Observer(options("refused").Camera) // for a configuration that was not put into force
	reconfigure()
	check("without cameras", 0, 0, 0)
}

// A fleet's metrics have what its readers processes use, from the start.
func TestReadersMetrics(t *testing.T) {
	r := prometheus.NewRegistry()
	f := NewFleet(nil, NewMetrics(r), zap.NewNop())
	defer f.readers.close()
	want := `
# HELP camd_readers_cpu_seconds_total CPU time that the readers processes have used, in seconds.
# TYPE camd_readers_cpu_seconds_total counter
camd_readers_cpu_seconds_total 0
# HELP camd_readers_crashes_total Readers processes that crashed.
# TYPE camd_readers_crashes_total counter
camd_readers_crashes_total 0
# HELP camd_readers_processes Readers processes that run. One reads all network cameras, unless a camera has crashed it.
# TYPE camd_readers_processes gauge
camd_readers_processes 0
# HELP camd_readers_resident_memory_bytes Resident memory of the readers processes, in bytes.
# TYPE camd_readers_resident_memory_bytes gauge
camd_readers_resident_memory_bytes 0
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264})
	f.readers.path = testProgram(t)
	w := openReader(t, f.readers, "cam", server.URL())
	next[videoEvent](t, w)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		v := family.GetMetric()[0].GetGauge().GetValue()
		if name := family.GetName(); name == "camd_readers_processes" && v != 1 || name == "camd_readers_resident_memory_bytes" && v < 1<<20 {
			t.Errorf("%s is %v", name, v)
		}
	}
	w.stop(testrun.Deadline)
	f.readers.close()
	used := f.readers.usage()
	if used.CPUSeconds <= 0 || used.Processes != 0 || used.RSSBytes != 0 || used.Crashes != 0 {
		t.Errorf("after the end: %+v", used)
	}
}

// publishedBy returns how many publications of a camera's main rendition the histogram has.
func publishedBy(t *testing.T, r *prometheus.Registry, id string) int {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			// Labels are sorted: camera, rendition.
			if l := m.GetLabel(); f.GetName() == "camd_camera_publish_delay_seconds" && l[0].GetValue() == id && l[1].GetValue() == camera.Main {
				return int(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}
