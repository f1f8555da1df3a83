package source

import (
	"fmt"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
	"camd/pkg/source/wire"
)

// maxInitBytes bounds the initialisation segment of a track.
const maxInitBytes = 64 << 10

// videoDecoder makes frames of a worker's video messages. It checks their sizes, and does not look into the video.
type videoDecoder struct {
	limits      media.Limits
	format      *broker.Format
	tooLarge    fault // what is wrong with the size of format; zero if nothing is
	waitsForKey bool  // a frame was left out, so frames are left out up to the next keyframe
	afterGap    bool  // leading frames are left out up to the next keyframe, because they refer to what was left out
}

// setFormat takes the format of the frames that follow.
func (d *videoDecoder) setFormat(m wire.VideoFormat) error {
	switch {
	case m.Codec != string(h26x.H264) && m.Codec != string(h26x.H265):
		return fmt.Errorf("wire: video of the codec %q", m.Codec)
	case len(m.Init) == 0 || len(m.Init) > maxInitBytes:
		return fmt.Errorf("wire: an initialisation segment of %d bytes, must have 1 to %d", len(m.Init), maxInitBytes)
	case m.Width < 1 || m.Height < 1 || m.Width > maxVideoSide || m.Height > maxVideoSide:
		return fmt.Errorf("wire: video of %dx%d pixels", m.Width, m.Height)
	case !isCodecString(m.CodecString):
		return fmt.Errorf("wire: the codec string %q", m.CodecString)
	}
	d.format = &broker.Format{Codec: m.Codec, CodecString: m.CodecString, Width: m.Width, Height: m.Height, Init: m.Init}
	d.tooLarge = fault{}
	if m.Width*m.Height > d.limits.Pixels {
		d.tooLarge = fault{camera.TooLarge, fmt.Sprintf("the camera sends %dx%d pixels, more than limits.frame_pixels (%d)", m.Width, m.Height, d.limits.Pixels)}
	}
	return nil
}

// maxVideoSide bounds the width and the height of video in pixels. Level 6.2 of H.264 allows 16880 (ITU-T H.264, table A-1: the square root
// of 8 times MaxFS, in macroblocks).
const maxVideoSide = 16896

// maxVideoTime bounds PTS and DTS, so that sums and differences of times do not overflow. It is 18 years, twice what a Track of package h26x
// accepts from a source, because it lets the time go on where the source sets its clock back.
const maxVideoTime = 1 << 59

// isCodecString reports whether s has only the characters of the parameter codecs for H.264 and H.265 (ISO 14496-15, annex E).
func isCodecString(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '.' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 64
}

// read reads the frame of m. It returns a videoEvent, or a workerRefusedEvent for a frame that is left out.
func (d *videoDecoder) read(in *wire.Reader, m wire.VideoFrame) (event, error) {
	switch {
	case d.format == nil:
		return nil, fmt.Errorf("wire: a video frame without a format")
	case max(m.PTS, m.DTS) > maxVideoTime || min(m.PTS, m.DTS) < -maxVideoTime:
		return nil, fmt.Errorf("wire: a video frame at PTS %v and DTS %v", m.PTS, m.DTS)
	case m.Size <= fmp4.HeadSize:
		return nil, fmt.Errorf("wire: a video frame of %d bytes, must have more than %d", m.Size, fmp4.HeadSize)
	}
	if cause := d.leavesOut(m); cause != "" { // before memory is allocated for it
		e := workerRefusedEvent{counts: map[string]uint64{cause: 1}}
		if cause == media.TooLarge && d.tooLarge == (fault{}) {
			e.size = int64(m.Size - fmp4.HeadSize)
		}
		e.fault = d.tooLarge
		return e, in.SkipPicture()
	}
	fragment := make([]byte, m.Size)
	if err := in.ReadPicture(fragment); err != nil {
		return nil, err
	}
	return videoEvent{count: m.Count, frame: broker.Frame{
		Captured: fromMonotonic(m.Captured), PTS: m.PTS, DTS: m.DTS, Key: m.Key, Disposable: m.Disposable, Leading: m.Leading,
		Format: d.format, Wire: fragment, Data: fragment[fmp4.HeadSize:],
	}}, nil
}

// leavesOut returns the cause for which a frame is left out, or "".
func (d *videoDecoder) leavesOut(m wire.VideoFrame) (cause string) {
	switch {
	case m.Size-fmp4.HeadSize > d.limits.Bytes || d.tooLarge != (fault{}):
		cause = media.TooLarge
	case d.waitsForKey && !m.Key, m.Leading && d.afterGap:
		cause = media.Lost
	}
	switch {
	case cause == "" && m.Key:
		d.waitsForKey, d.afterGap = false, d.waitsForKey
	case cause == "" || m.Disposable:
	case m.Leading:
		d.afterGap = true
	default:
		d.waitsForKey = true
	}
	return cause
}
