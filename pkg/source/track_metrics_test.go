package source

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"camd/pkg/camera"
)

func TestMetricsOfTracks(t *testing.T) {
	s := offlineStatus()
	s.Tracks = []camera.Track{
		{
			Name: camera.Video, State: camera.Live, Codec: "h264", Width: 1920, Height: 1080, KeyframeInterval: 2500 * time.Millisecond,
			Joinable: true, Frames: 100, Keyframes: 2, Bytes: 4096, LastFrame: time.Unix(1700000000, 0),
		},
		{Name: camera.Sub, State: camera.Offline, Reason: camera.Auth},
	}
	want := `
# HELP camd_track_bytes_total Bytes of video published.
# TYPE camd_track_bytes_total counter
camd_track_bytes_total{camera="yard",track="sub"} 0
camd_track_bytes_total{camera="yard",track="video"} 4096
# HELP camd_track_frames_total Frames of video published.
# TYPE camd_track_frames_total counter
camd_track_frames_total{camera="yard",track="sub"} 0
camd_track_frames_total{camera="yard",track="video"} 100
# HELP camd_track_info Always 1. The labels describe the video. There is no series before the first frame.
# TYPE camd_track_info gauge
camd_track_info{camera="yard",codec="h264",height="1080",track="video",width="1920"} 1
# HELP camd_track_joinable 1 if camd holds the newest keyframe and all frames since, so that a new viewer gets a picture at once. 0 if not.
# TYPE camd_track_joinable gauge
camd_track_joinable{camera="yard",track="sub"} 0
camd_track_joinable{camera="yard",track="video"} 1
# HELP camd_track_keyframe_interval_seconds Time between the newest two keyframes, in seconds. 0 before the second keyframe.
# TYPE camd_track_keyframe_interval_seconds gauge
camd_track_keyframe_interval_seconds{camera="yard",track="sub"} 0
camd_track_keyframe_interval_seconds{camera="yard",track="video"} 2.5
# HELP camd_track_keyframes_total Keyframes among the frames of video published.
# TYPE camd_track_keyframes_total counter
camd_track_keyframes_total{camera="yard",track="sub"} 0
camd_track_keyframes_total{camera="yard",track="video"} 2
# HELP camd_track_last_frame_timestamp_seconds When the newest frame of video was taken, as Unix time in seconds. 0 before the first frame.
# TYPE camd_track_last_frame_timestamp_seconds gauge
camd_track_last_frame_timestamp_seconds{camera="yard",track="sub"} 0
camd_track_last_frame_timestamp_seconds{camera="yard",track="video"} 1.7e+09
# HELP camd_track_up 1 if frames of the track arrive, 0 if not.
# TYPE camd_track_up gauge
camd_track_up{camera="yard",track="sub"} 0
camd_track_up{camera="yard",track="video"} 1
`
	names := []string{
		"camd_track_bytes_total", "camd_track_frames_total", "camd_track_info", "camd_track_joinable", "camd_track_keyframe_interval_seconds",
		"camd_track_keyframes_total", "camd_track_last_frame_timestamp_seconds", "camd_track_up",
	}
	r := registryOf(s)
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(r); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if n, err := testutil.GatherAndCount(registryOf(offlineStatus()), names...); err != nil || n != 0 {
		t.Errorf("a camera without tracks has %d series of tracks, want 0; %v", n, err)
	}
}
