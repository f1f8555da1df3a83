package h26x

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Codec is the kind of a track.
type Codec string

// Codecs.
const (
	H264 Codec = "h264" // ITU-T H.264, ISO 14496-10
	H265 Codec = "h265" // ITU-T H.265, ISO 23008-2
)

// Format is the configuration of a track. It is immutable, and so are the bytes in it. Two frames have the same configuration if their
// pointers are equal.
//
// A new Format comes with a keyframe, with two exceptions, at which a decoder goes on: the first B-frame, and picture parameter sets that a
// camera changes between keyframes. Codec and size stay then.
type Format struct {
	Codec         Codec
	ParameterSets [][]byte // NAL units in the order VPS, SPS, PPS; as they are in front of a keyframe
	Width, Height int      // in pixels, after cropping
	CodecString   string   // for MSE and WebCodecs: RFC 6381; ISO 14496-15, annex E for H.265
	Config        []byte   // avcC or hvcC, ISO 14496-15, sections 5.3.3.1 and 8.3.3.1
	Reordered     bool     // frames may be decoded in another order than they are displayed

	spsID    uint32
	sps      *sps
	received [][]byte // the parameter sets as the camera sent them
}

// newFormat builds a format of the parameter sets that a camera sent. active is the SPS among them.
func newFormat(codec Codec, received [][]byte, active parameterSet, isReordered bool) *Format {
	s := active.sps
	f := &Format{Codec: codec, ParameterSets: received, Width: s.width, Height: s.height, Reordered: isReordered,
		spsID: active.id, sps: s, received: received}
	if codec == H265 {
		f.CodecString = h265CodecString(s.profile)
		f.Config = hvcC(s, f.ParameterSets)
		return f
	}
	if rewritten := withoutReordering(active.nalu); rewritten != nil && !isReordered {
		f.ParameterSets = slices.Clone(received)
		f.ParameterSets[slices.IndexFunc(received, f.isSPS)] = rewritten
	}
	f.CodecString = fmt.Sprintf("avc1.%02X%02X%02X", s.profile[0], s.profile[1], s.profile[2])
	f.Config = avcC(s, f.ParameterSets)
	return f
}

// reordered returns the format after a B-frame.
func (f *Format) reordered() *Format {
	return newFormat(f.Codec, f.received, parameterSet{id: f.spsID, sps: f.sps, nalu: f.receivedSPS()}, true)
}

func (f *Format) isSPS(nalu []byte) bool {
	return f.Codec == H264 && nalu[0]&0x1F == h264SPS || f.Codec == H265 && nalu[0]>>1 == h265SPS
}

// receivedSPS returns the SPS as the camera sent it.
func (f *Format) receivedSPS() []byte { return f.received[slices.IndexFunc(f.received, f.isSPS)] }

// isSame reports whether two formats are the same configuration. Reordered follows from the SPS, or is in force until the SPS changes.
func (f *Format) isSame(g *Format) bool {
	return slices.EqualFunc(f.ParameterSets, g.ParameterSets, bytes.Equal)
}

// h265CodecString builds a string such as hvc1.1.6.L93.B0 (ISO 14496-15, section E.3) from the 12 bytes of general profile, tier and level:
// profile space, tier and profile; 4 bytes of compatibility flags; 6 bytes of constraint flags; level.
func h265CodecString(profile []byte) string {
	tier := "L"
	if profile[0]&0x20 != 0 {
		tier = "H"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "hvc1.%s%d.%X.%s%d", []string{"", "A", "B", "C"}[profile[0]>>6], profile[0]&0x1F,
		bits.Reverse32(binary.BigEndian.Uint32(profile[1:])), tier, profile[11])
	for _, c := range bytes.TrimRight(profile[5:11], "\x00") {
		fmt.Fprintf(&b, ".%X", c)
	}
	return b.String()
}

// avcC builds AVCDecoderConfigurationRecord (ISO 14496-15, section 5.3.3.1.2) with lengths of 4 bytes.
func avcC(s *sps, sets [][]byte) []byte {
	var seqs, pics, extensions [][]byte
	for _, set := range sets {
		switch set[0] & 0x1F {
		case h264SPS:
			seqs = append(seqs, set)
		case h264PPS:
			pics = append(pics, set)
		case h264SPSExtension:
			extensions = append(extensions, set)
		}
	}
	b := []byte{1, s.profile[0], s.profile[1], s.profile[2], 0xFC | 3, 0xE0 | byte(len(seqs))}
	b = appendSets(b, seqs)
	b = appendSets(append(b, byte(len(pics))), pics)
	if slices.Contains([]byte{66, 77, 88}, s.profile[0]) {
		return b
	}
	b = append(b, 0xFC|byte(s.chromaFormat), 0xF8|byte(s.lumaDepth), 0xF8|byte(s.chromaDepth), byte(len(extensions)))
	return appendSets(b, extensions)
}

// hvcC builds HEVCDecoderConfigurationRecord (ISO 14496-15, section 8.3.3.1.2) with lengths of 4 bytes.
func hvcC(s *sps, sets [][]byte) []byte {
	b := append([]byte{1}, s.profile...)
	nested := byte(0)
	if s.isNested {
		nested = 1
	}
	b = append(b, 0xF0, 0, 0xFC, 0xFC|byte(s.chromaFormat), 0xF8|byte(s.lumaDepth), 0xF8|byte(s.chromaDepth), 0, 0,
		(s.topLayer+1)<<3|nested<<2|3)
	arrays := len(b)
	b = append(b, 0)
	for _, kind := range []byte{h265VPS, h265SPS, h265PPS} {
		var units [][]byte
		for _, set := range sets {
			if set[0]>>1 == kind {
				units = append(units, set)
			}
		}
		if len(units) > 0 {
			b[arrays]++
			b = appendSets(append(b, 0x80|kind, 0, byte(len(units))), units) // 0x80: array_completeness
		}
	}
	return b
}

// appendSets appends NAL units with lengths of 2 bytes.
func appendSets(b []byte, sets [][]byte) []byte {
	for _, set := range sets {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(set))), set...)
	}
	return b
}
