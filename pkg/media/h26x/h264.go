package h26x

import (
	"bytes"
	"fmt"
)

// Types of NAL units of H.264, table 7-1.
const (
	h264Slice        = 1
	h264PartitionA   = 2
	h264PartitionC   = 4
	h264IDR          = 5
	h264SPS          = 7
	h264PPS          = 8
	h264Delimiter    = 9
	h264Filler       = 12
	h264SPSExtension = 13
	h264Unspecified  = 24 // up to 31; and 0
)

type h264Syntax struct{}

func (h264Syntax) header(nalu []byte) (h unitHeader, ok bool) {
	kind := nalu[0] & 0x1F
	h.isReference = nalu[0]&0x60 != 0
	switch {
	case kind == 0 || kind >= h264Delimiter && kind <= h264Filler || kind >= h264Unspecified:
		h.class = dropped
	case kind <= h264IDR:
		h.class, h.isKey, h.hasSliceHead = slice, kind == h264IDR, kind <= h264PartitionA || kind == h264IDR
	case kind == h264SPS || kind == h264PPS || kind == h264SPSExtension:
		h.class = set
	}
	return h, nalu[0]&0x80 == 0
}

func (h264Syntax) parameterSet(nalu []byte) (set parameterSet, err error) {
	payload := unescape(nil, nalu[1:])
	r := &bitReader{b: payload}
	switch nalu[0] & 0x1F {
	case h264SPS:
		set.kind = seq
		set.id, set.sps, err = parseH264SPS(payload)
	case h264SPSExtension:
		set.kind, set.id = seqExtension, r.ue()
	default:
		set.kind, set.id, set.refersTo = pic, r.ue(), r.ue()
		if set.id > 255 || set.refersTo > 31 { // section 7.4.2.2
			err = fmt.Errorf("pic_parameter_set_id %d, seq_parameter_set_id %d", set.id, set.refersTo)
		}
	}
	if err == nil && r.failed {
		err = errShort
	}
	set.nalu = bytes.Clone(nalu)
	return set, err
}

// readSliceHead reads the beginning of slice_header (section 7.3.3).
func (h264Syntax) readSliceHead(nalu []byte) (h sliceHead, ok bool) {
	var scratch [sliceHeadBytes]byte
	r := readSliceBits(&scratch, nalu, 1)
	r.ue()                // first_mb_in_slice
	h.isB = r.ue()%5 == 1 // slice_type, table 7-6
	h.pps = r.ue()
	return h, !r.failed
}
