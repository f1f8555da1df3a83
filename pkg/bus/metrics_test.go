package bus

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"camd/internal/testrun"
	"camd/pkg/camera"
)

func busMetrics(b *Bus, watched map[string][]string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	b.RegisterMetrics(r, func() map[string][]string { return watched })
	return r
}

// A site has the series of its streams from the start. A relay has those of a camera's streams once they are watched.
func TestMetricsOfSiteAndRelay(t *testing.T) {
	url := startServer(t).ClientURL()
	yard, site, relay := startPair(t, url, url)
	remote := waitCamera(t, relay, "north.yard", camera.Live)
	compare := func(r *prometheus.Registry, want string, names ...string) {
		t.Helper()
		if err := testutil.GatherAndCompare(r, strings.NewReader(want), names...); err != nil {
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
	const frames = `# HELP camd_bus_frames_total Pictures sent to the bus (out) or received from it (in).
# TYPE camd_bus_frames_total counter
`
	const up = `# HELP camd_camera_up 1 if the camera is live, 0 if not.
# TYPE camd_camera_up gauge
camd_camera_up{camera="north.yard"} 1
`
	const published = `# HELP camd_camera_frames_published_total Live pictures published to viewers.
# TYPE camd_camera_frames_published_total counter
camd_camera_frames_published_total{camera="north.yard",rendition="main"} 1
`
	compare(busMetrics(site, nil), frames+`camd_bus_frames_total{camera="yard",direction="out",rendition="main"} 0
camd_bus_frames_total{camera="yard",direction="out",rendition="preview"} 0
`, "camd_bus_frames_total", "camd_camera_up")
	compare(busMetrics(relay, nil), up, "camd_bus_frames_total", "camd_camera_up", "camd_camera_frames_published_total")

	v := watchTopic(t, remote, camera.Main)
	testrun.WaitFor(t, "demand at the site", func() bool { return yard.topics[camera.Main].Wanted() })
	yard.publish(1000)
	v.next(false)
	testrun.WaitFor(t, "the frame to be counted", func() bool {
		return sentStream(site, "yard", camera.Main).Frames == 1 && receivedStream(relay, "north.yard", camera.Main).Frames == 1
	})
	compare(busMetrics(site, nil), frames+`camd_bus_frames_total{camera="yard",direction="out",rendition="main"} 1
camd_bus_frames_total{camera="yard",direction="out",rendition="preview"} 0
`, "camd_bus_frames_total")
	compare(busMetrics(relay, map[string][]string{"north.yard": {camera.Main}, "south.gone": {camera.Main}}),
		frames+`camd_bus_frames_total{camera="north.yard",direction="in",rendition="main"} 1
`+up+published, "camd_bus_frames_total", "camd_camera_up", "camd_camera_frames_published_total")
}
