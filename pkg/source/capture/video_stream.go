package capture

import (
	"errors"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
	"camd/pkg/source/wire"
)

// videoFrame is a frame of a videoSource, or says why a frame is left out.
type videoFrame struct {
	header   wire.VideoFrame // without Captured and Count
	format   *h26x.Format
	init     []byte // initialisation segment of the format
	fragment []byte
	refused  string // the cause for which the frame is left out, one of media.Causes; "" if it is not
	size     int64  // of a frame that is too large
}

// videoStream turns the packets of a source into frames, over all passes of a file.
type videoStream struct {
	codec    h26x.Codec
	maxBytes int // of a fragment
	track    *h26x.Track
	timeline timeline
	waitFor  string // the cause for which frames are left out up to the next keyframe; "" if none are
	leading  string // the cause for which leading frames are left out
	hasFrame bool
	format   *h26x.Format // the newest
	init     []byte       // its initialisation segment
}

// maxInit is the greatest size of an initialisation segment. In base64, it must fit into a message.
const maxInit = wire.MaxMessage / 2

// newVideoStream returns a stream of the packets of f.
func newVideoStream(f *ffmpegSource) *videoStream {
	v := &videoStream{codec: f.codec, maxBytes: f.limits.Bytes, track: h26x.NewTrack(f.codec, h26x.Options{MaxBytes: f.limits.Bytes})}
	if f.found.FPS > 0 {
		v.timeline.step = camera.FrameInterval(f.found.FPS)
	}
	v.begin(f)
	return v
}

// begin begins the first or another pass. Its first frame is a keyframe, and one frame interval behind the last frame of the pass before.
func (v *videoStream) begin(f *ffmpegSource) {
	_ = v.track.SetConfig(f.extradata()) // sets in band may be valid
	v.timeline.cut()
	v.waitFor = media.NoKeyframe
}

// add takes a packet and returns its frame. ok is false for a packet without a picture.
func (v *videoStream) add(p packet) (f videoFrame, ok bool) {
	unit, err := v.track.ParseAnnexB(p.data, v.timeline.next(p.packetTimes))
	if refused, isRefused := errors.AsType[*h26x.RefusedError](err); isRefused {
		return v.lose(refused, len(p.data)), true
	}
	if unit == nil {
		return videoFrame{}, false
	}
	if size := fmp4.HeadSize + unit.Size(); size > v.maxBytes {
		return v.lose(&h26x.RefusedError{Cause: h26x.TooLarge}, size), true
	}
	if unit.Format != v.format {
		v.format, v.init = unit.Format, fmp4.NewInit(unit.Format)
	}
	if len(v.init) > maxInit {
		return v.lose(&h26x.RefusedError{Cause: h26x.TooLarge}, len(v.init)), true
	}
	if cause := v.causeToLeaveOut(unit); cause != "" {
		return videoFrame{refused: cause}, true
	}
	v.hasFrame = true
	return videoFrame{
		format:   unit.Format,
		init:     v.init,
		header:   wire.VideoFrame{PTS: unit.PTS, DTS: unit.DTS, Key: unit.Key, Disposable: unit.Disposable, Leading: unit.Leading},
		fragment: fmp4.NewFragment(unit),
	}, true
}

// lose leaves out a frame to which those up to the next keyframe may refer.
func (v *videoStream) lose(refused *h26x.RefusedError, size int) videoFrame {
	f := videoFrame{refused: media.Damaged}
	if refused.Cause == h26x.TooLarge {
		f.refused, f.size = media.TooLarge, int64(size)
	}
	if v.waitFor != media.NoKeyframe {
		v.waitFor = media.Damaged
	}
	return f
}

// causeToLeaveOut returns why a decoder could not decode a frame, "" if it could.
func (v *videoStream) causeToLeaveOut(u *h26x.AccessUnit) string {
	switch {
	case u.Key:
		if v.waitFor != "" && v.hasFrame {
			v.breakLink(u)
		}
		v.leading, v.waitFor = v.waitFor, ""
	case v.waitFor != "":
		return v.waitFor
	case u.Leading:
		return v.leading
	}
	return ""
}

// Types of NAL units of H.265, table 7-1.
const (
	h265BLAWithRADL = 17
	h265CRA         = 21
)

// breakLink makes a CRA picture a BLA picture, as splicers do (H.265, section 7.4.2.2). A decoder would relate the picture order counts of a
// CRA picture to those of the frames in front of it, which belong to another place of the video.
func (v *videoStream) breakLink(u *h26x.AccessUnit) {
	if v.codec != h26x.H265 {
		return
	}
	for _, nalu := range u.NALUs {
		if nalu[0]>>1&0x3F == h265CRA {
			nalu[0] = h265BLAWithRADL<<1 | nalu[0]&0x81
		}
	}
}
