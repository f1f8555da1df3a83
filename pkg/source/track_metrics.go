package source

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"camd/internal/metric"
	"camd/pkg/camera"
)

var (
	descTrackUp        = metric.Desc("camd_track_up", "1 if frames of the track arrive, 0 if not.", "camera", "track")
	descTrackInfo      = metric.Desc("camd_track_info", "Always 1. The labels describe the video. There is no series before the first frame.", "camera", "track", "codec", "width", "height")
	descTrackFrames    = metric.Desc("camd_track_frames_total", "Frames of video published.", "camera", "track")
	descTrackKeyframes = metric.Desc("camd_track_keyframes_total", "Keyframes among the frames of video published.", "camera", "track")
	descTrackBytes     = metric.Desc("camd_track_bytes_total", "Bytes of video published.", "camera", "track")
	descTrackInterval  = metric.Desc("camd_track_keyframe_interval_seconds", "Time between the newest two keyframes, in seconds. 0 before the second keyframe.", "camera", "track")
	descTrackJoinable  = metric.Desc("camd_track_joinable", "1 if camd holds the newest keyframe and all frames since, so that a new viewer gets a picture at once. 0 if not.", "camera", "track")
	descTrackLastFrame = metric.Desc("camd_track_last_frame_timestamp_seconds", "When the newest frame of video was taken, as Unix time in seconds. 0 before the first frame.", "camera", "track")
)

// collectTracks sends the series of a camera's tracks. A camera without tracks has none.
func collectTracks(out chan<- prometheus.Metric, id string, tracks []camera.Track) {
	for _, t := range tracks {
		metric.Gauge(out, descTrackUp, metric.Bool(t.State == camera.Live), id, t.Name)
		metric.Counter(out, descTrackFrames, t.Frames, id, t.Name)
		metric.Counter(out, descTrackKeyframes, t.Keyframes, id, t.Name)
		metric.Counter(out, descTrackBytes, t.Bytes, id, t.Name)
		metric.Gauge(out, descTrackInterval, t.KeyframeInterval.Seconds(), id, t.Name)
		metric.Gauge(out, descTrackJoinable, metric.Bool(t.Joinable), id, t.Name)
		metric.Gauge(out, descTrackLastFrame, metric.UnixTime(t.LastFrame), id, t.Name)
		if t.Codec != "" {
			metric.Gauge(out, descTrackInfo, 1, id, t.Name, t.Codec, strconv.Itoa(t.Width), strconv.Itoa(t.Height))
		}
	}
}
