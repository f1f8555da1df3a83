package main

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
)

// groupLength is how many frames it is from one keyframe to the next, as in c/floor.c.
const groupLength = 50

// newVideoPublisher returns a function that publishes a frame of an H.264 stream in topic. Viewers discard the frames, so a frame is one
// NAL unit with the content of a picture of this benchmark. The first 4 bytes of the picture make room for the unit's length.
func newVideoPublisher(p publisher, topic *broker.Topic) func(seq uint64, due int64) {
	format := &broker.Format{Codec: "h264", CodecString: "avc1.640028", Width: 1920, Height: 1080, Init: []byte("\x00\x00\x00\x0cftypiso6")}
	frames, keyframes := newTemplate(p.size), newTemplate(p.key)
	period, first := time.Second/time.Duration(p.fps), uint64(1)
	unit := h26x.AccessUnit{Interval: period, NALUs: make([][]byte, 1)}
	return func(seq uint64, due int64) {
		unit.Key = seq%groupLength == first
		from := frames
		if unit.Key {
			from = keyframes
		}
		captured := time.Now().Add(time.Duration(due - monotonic()))
		unit.NALUs[0] = from.stamped(seq, due)[4:]
		unit.PTS = time.Duration(seq) * period
		unit.DTS = unit.PTS
		wire := fmp4.NewFragment(&unit)
		topic.Publish(broker.Frame{Captured: captured, PTS: unit.PTS, DTS: unit.DTS, Key: unit.Key, Format: format,
			Wire: wire, Data: wire[fmp4.HeadSize:]})
	}
}
