package source

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"camd/internal/metric"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

var (
	descDecoderState    = metric.Desc("camd_decoder_state", "1 for the decoder's current state, 0 for all other states. A decoder is idle while nobody wants pictures of it.", "camera", "track", "state")
	descUndecodable     = metric.Desc("camd_decoder_undecodable", "1 if camd cannot decode the track's video, and starts no process until the video has changed. 0 if not.", "camera", "track")
	descDecoderStarts   = metric.Desc("camd_decoder_starts_total", "Decoder processes started.", "camera", "track")
	descDecoderRun      = metric.Desc("camd_decoder_run_seconds_total", "Time that decoder processes have run, in seconds. Its rate is the average number of processes.", "camera", "track")
	descDecoderCPU      = metric.Desc("camd_decoder_cpu_seconds_total", "CPU time that decoder processes have used, in seconds.", "camera", "track")
	descDecoderRSS      = metric.Desc("camd_decoder_resident_memory_bytes", "Resident memory of the decoder process, in bytes. 0 while none runs.", "camera", "track")
	descDecoderPictures = metric.Desc("camd_decoder_pictures_total", "Pictures that decoders have made, in all renditions.", "camera", "track")
)

// decoderStates are the states that a decoder can have. It is never paused.
var decoderStates = slices.DeleteFunc(slices.Clone(camera.States), func(s camera.State) bool { return s == camera.Paused })

func newDecoderDelays() *prometheus.HistogramVec {
	return metric.NewFrameTimes("camd_decoder_delay_seconds", "Time from a frame's capture to its decoded picture, in seconds. Frames from before the decoder ran do not count.", "track")
}

// deleteDecoderDelays deletes the histograms of a camera's tracks that are not in kept.
func deleteDecoderDelays(delays *prometheus.HistogramVec, id string, kept []string) {
	for _, track := range []string{camera.Video, camera.Sub, camera.Main} {
		if !slices.Contains(kept, track) {
			delays.DeleteLabelValues(id, track)
		}
	}
}

// decodableTracks returns the tracks of a camera that a decoder may have to decode, as camera.Decoder names them. Whether a network
// camera sends video or JPEG is known only once it is open.
func decodableTracks(c options.Camera) (tracks []string) {
	switch kind := c.Source.Kind; {
	case c.Reader == options.ReaderOpenCV: // its process makes JPEGs of what it reads
	case kind == sourceurl.RTSP || kind == sourceurl.HTTP:
		tracks = []string{camera.Video, camera.Main}
	case kind == sourceurl.File:
		tracks = []string{camera.Video}
	case kind == sourceurl.Poll:
		tracks = []string{camera.Main}
	}
	if c.Substream.Kind != "" {
		tracks = append(tracks, camera.Sub)
	}
	return tracks
}

// firstDecoderTrack returns the track that the decoder of what the worker delivers is expected to decode: the one as before if that is
// still possible. It is empty if there is none.
func firstDecoderTrack(possible []string, before string) string {
	switch {
	case before != "" && slices.Contains(possible, before):
		return before
	case len(possible) > 0 && possible[0] != camera.Sub:
		return possible[0]
	}
	return ""
}

// collectDecoders sends the series of a camera's decoders. A camera whose pictures no decoder makes has none.
func collectDecoders(out chan<- prometheus.Metric, id string, decoders []camera.Decoder) {
	for _, d := range decoders {
		for _, state := range decoderStates {
			metric.Gauge(out, descDecoderState, metric.Bool(d.State == state), id, d.Track, string(state))
		}
		metric.Gauge(out, descUndecodable, metric.Bool(d.Reason == camera.Undecodable), id, d.Track)
		metric.Counter(out, descDecoderStarts, d.Starts, id, d.Track)
		metric.CounterFloat(out, descDecoderRun, d.RunSeconds, id, d.Track)
		metric.CounterFloat(out, descDecoderCPU, d.CPUSeconds, id, d.Track)
		metric.Gauge(out, descDecoderRSS, float64(d.RSSBytes), id, d.Track)
		metric.Counter(out, descDecoderPictures, d.Pictures, id, d.Track)
	}
}
