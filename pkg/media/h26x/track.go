package h26x

import (
	"cmp"
	"time"
)

// Options bound what a Track accepts. A zero field has its default. Parameter sets have fixed bounds: a Track keeps the newest 32, of at most
// 64 KiB together.
type Options struct {
	MaxBytes int // of an access unit; default 8 MiB
	MaxUnits int // NAL units of an access unit; default 256

	// Without a keyframe for this number of frames, or for this time, IsKeyframeOverdue reports true. The defaults are 4096 and 30 s.
	MaxKeyframeFrames   int
	MaxKeyframeInterval time.Duration
}

// Track turns the access units of one track into frames. It is not safe for concurrent use.
type Track struct {
	codec   Codec
	syntax  syntax
	options Options

	sets      setStore
	format    *Format
	isChanged bool // sets has changed since format was built
	isPending bool // sets arrived that no frame has carried
	clock     clock

	unit     AccessUnit // what Parse returns
	picture  picture
	scratch  [][]byte      // NAL units of an Annex B stream
	sinceKey int           // frames
	keyTime  time.Duration // PTS of the last keyframe, or of the first frame
	hasFrame bool
}

// picture is what Track learns from the NAL units of one access unit.
type picture struct {
	bytes, units, sets                           int
	hasSlice, isKey, isLeading, isReference, isB bool
	layer                                        byte
	pps                                          uint32
	hasPPS                                       bool
}

// NewTrack returns a Track of a codec, which is H264 or H265.
func NewTrack(codec Codec, options Options) *Track {
	options.MaxBytes = cmp.Or(options.MaxBytes, 8<<20)
	options.MaxUnits = cmp.Or(options.MaxUnits, 256)
	options.MaxKeyframeFrames = cmp.Or(options.MaxKeyframeFrames, 4096)
	options.MaxKeyframeInterval = cmp.Or(options.MaxKeyframeInterval, 30*time.Second)
	t := &Track{codec: codec, options: options}
	switch codec {
	case H264:
		t.syntax = h264Syntax{}
	case H265:
		t.syntax = h265Syntax{}
	default:
		panic("h26x: codec " + codec)
	}
	return t
}

// Format returns the configuration of the newest frame, nil before the first.
func (t *Track) Format() *Format { return t.format }

// IsKeyframeOverdue reports whether the track has had no keyframe for longer than the options allow. Streams that only refresh their
// pictures bit by bit never have any: only a decoder can show them.
func (t *Track) IsKeyframeOverdue() bool {
	return t.sinceKey > t.options.MaxKeyframeFrames || t.hasFrame && t.clock.newest-t.keyTime > t.options.MaxKeyframeInterval
}

// ParseAnnexB is Parse for an access unit in an Annex B byte stream, as FFmpeg delivers it.
func (t *Track) ParseAnnexB(b []byte, pts time.Duration) (*AccessUnit, error) {
	if len(b) > t.options.MaxBytes {
		return nil, refuse(TooLarge, "%d bytes", len(b))
	}
	units, err := splitAnnexB(t.scratch[:0], b, t.options.MaxUnits)
	t.scratch = units[:0]
	if err != nil {
		return nil, err
	}
	return t.Parse(units, pts)
}

// Parse takes the NAL units of one access unit. PTS is on the source's clock and may begin anywhere. It returns nil for an access unit
// without a picture, such as parameter sets alone. Its error is always a *RefusedError.
//
// The frames before the first keyframe come, too: they are for a decoder that can begin anywhere. All of them need parameter sets.
func (t *Track) Parse(nalus [][]byte, pts time.Duration) (*AccessUnit, error) {
	clear(t.unit.NALUs) // they keep the last frame in memory
	t.unit, t.picture = AccessUnit{NALUs: t.unit.NALUs[:0]}, picture{}
	for _, nalu := range nalus {
		if err := t.add(nalu, true); err != nil {
			return nil, err
		}
	}
	if !t.picture.hasSlice {
		return nil, nil
	}
	if pts < -maxTime || pts > maxTime {
		return nil, refuse(InvalidTime, "PTS %v", pts)
	}
	if err := t.activate(); err != nil {
		return nil, err
	}
	t.finish(pts)
	return &t.unit, nil
}

// add takes one NAL unit. mayHold is true if there may be others in it, with start codes between them.
func (t *Track) add(nalu []byte, mayHold bool) error {
	p := &t.picture
	p.units++
	if p.bytes += len(nalu); p.bytes > t.options.MaxBytes || p.units > t.options.MaxUnits {
		return refuse(TooLarge, "%d bytes, %d NAL units", p.bytes, p.units)
	}
	if len(nalu) == 0 {
		return refuse(InvalidUnit, "empty NAL unit")
	}
	h, ok := t.syntax.header(nalu)
	if mayHold && (h.class != slice || !ok) {
		if isSeveral, err := t.addSeveral(nalu); isSeveral {
			return err
		}
	}
	if !ok {
		return refuse(InvalidUnit, "NAL unit header % x", nalu[:min(2, len(nalu))])
	}
	switch h.class {
	case dropped:
	case set:
		return t.addSet(nalu)
	case slice:
		t.addSlice(nalu, h)
		fallthrough
	default:
		t.unit.NALUs = append(t.unit.NALUs, nalu)
	}
	return nil
}

// addSlice notes what a slice says about its picture.
func (t *Track) addSlice(nalu []byte, h unitHeader) {
	p := &t.picture
	p.hasSlice = true
	p.isKey = p.isKey || h.isKey
	p.isLeading = p.isLeading || h.isLeading
	p.isReference = p.isReference || h.isReference
	p.layer = h.layer
	if !h.hasSliceHead {
		return
	}
	if head, ok := t.syntax.readSliceHead(nalu); ok {
		p.pps, p.hasPPS, p.isB = head.pps, true, p.isB || head.isB
	}
}
