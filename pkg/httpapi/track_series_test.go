package httpapi

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// A camera has the series of a track when it has sent video, and the histogram when a viewer has got a frame of it.
func TestTrackHasSeriesOnceItExists(t *testing.T) {
	cam := newTestCamera("yard")
	cam.video = broker.NewTopic("yard/video", broker.VideoOptions())
	s := startServer(t, Options{}, cam)
	check := func(when string, drops, ages int) {
		t.Helper()
		for name, want := range map[string]int{"camd_viewer_frames_dropped_total": drops, "camd_viewer_frame_age_seconds": ages} {
			if n, err := testutil.GatherAndCount(s.opts.Metrics, name); err != nil || n != want {
				t.Errorf("%s: %d series of %s, want %d; %v", when, n, name, want, err)
			}
		}
	}
	const pictures, video = 2 * 3, 2 * 5 // transports times reasons
	check("before the camera sends video", pictures, 1)
	cam.mu.Lock()
	cam.status.Tracks = []camera.Track{{Name: camera.Video, State: camera.Live}}
	cam.mu.Unlock()
	check("when it sends video", pictures+video, 1)
	s.viewers.ObserveFrameAges(cam.video, []time.Duration{time.Millisecond})
	check("when a viewer has a frame", pictures+video, 2)
	config := *s.config.Load()
	config.Cameras, config.Order = map[string]Camera{}, nil
	s.SetConfig(config.Config)
	check("when the camera is removed", 0, 0)
}
