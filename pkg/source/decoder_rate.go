package source

import (
	"camd/pkg/camera"
	"time"
)

// neededPictures reports whether somebody waits for pictures of the decoder, and how far apart they may be.
func (s *supervisor) neededPictures(d *decoder) (needed bool, period time.Duration) {
	for i, st := range s.streams.Load().byNumber {
		if st == nil || !s.demands[i].Frames || s.decoderOf(i) != d {
			continue
		}
		own := max(s.demands[i].Period, camera.FrameInterval(st.FPS))
		if !needed || own < period {
			needed, period = true, own
		}
	}
	return needed, period
}

// keyframesSuffice reports whether pictures of keyframes alone are enough for a period. The time between keyframes varies. A decoder that
// gets only keyframes goes on so until they are much too rare, because to begin again takes a group of pictures.
func (s *supervisor) keyframesSuffice(d *decoder, period time.Duration) bool {
	interval := s.trackFor(d).longestInterval(time.Now())
	tolerance := interval / 20
	if d.endFeeding != nil && d.worker.feedKeyframesOnly.Load() {
		tolerance = interval / 4
	}
	return interval > 0 && period >= interval-tolerance
}

// trackFor returns the track that a decoder of video decodes.
func (s *supervisor) trackFor(d *decoder) *track {
	if d.isOfSub {
		return s.tracks.Load().sub
	}
	return s.tracks.Load().video
}
