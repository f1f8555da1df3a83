package h26x

import (
	"bytes"
	"fmt"
)

// Types of NAL units of H.265, table 7-1.
const (
	h265RASLN       = 8
	h265RASLR       = 9
	h265LastNonRef  = 14 // even types up to this one are sub-layer non-reference pictures
	h265BLA         = 16
	h265CRA         = 21
	h265LastIRAP    = 23
	h265LastSlice   = 31
	h265VPS         = 32
	h265SPS         = 33
	h265PPS         = 34
	h265Delimiter   = 35
	h265Filler      = 38
	h265Unspecified = 48 // up to 63
)

type h265Syntax struct{}

func (h265Syntax) header(nalu []byte) (h unitHeader, ok bool) {
	if len(nalu) < 2 || nalu[0]&0x80 != 0 || nalu[1]&7 == 0 { // nuh_temporal_id_plus1 is not 0, section 7.4.2.2
		return h, false
	}
	kind, extensionLayer := nalu[0]>>1, nalu[0]&1 != 0 || nalu[1]>>3 != 0
	h.layer = nalu[1]&7 - 1
	switch {
	case extensionLayer || kind >= h265Delimiter && kind <= h265Filler || kind >= h265Unspecified:
		h.class = dropped // decoders of the base layer ignore the other layers
	case kind <= h265LastSlice:
		h.class, h.hasSliceHead = slice, true
		h.isKey = kind >= h265BLA && kind <= h265CRA
		h.isLeading = kind == h265RASLN || kind == h265RASLR
		h.isReference = kind > h265LastNonRef || kind%2 != 0
	case kind <= h265PPS:
		h.class = set
	}
	return h, true
}

func (h265Syntax) parameterSet(nalu []byte) (set parameterSet, err error) {
	payload := unescape(nil, nalu[2:])
	r := &bitReader{b: payload}
	switch nalu[0] >> 1 {
	case h265VPS:
		set.kind, set.id = vps, r.bits(4)
	case h265SPS:
		set.kind = seq
		set.id, set.sps, err = parseH265SPS(payload)
	default:
		set.kind, set.id, set.refersTo = pic, r.ue(), r.ue()
		if set.id > 63 || set.refersTo > 15 { // section 7.4.3.3.1
			err = fmt.Errorf("pps_pic_parameter_set_id %d, pps_seq_parameter_set_id %d", set.id, set.refersTo)
		}
	}
	if err == nil && r.failed {
		err = errShort
	}
	set.nalu = bytes.Clone(nalu)
	return set, err
}

// readSliceHead reads the beginning of slice_segment_header (section 7.3.6.1).
func (h265Syntax) readSliceHead(nalu []byte) (h sliceHead, ok bool) {
	var scratch [sliceHeadBytes]byte
	r := readSliceBits(&scratch, nalu, 2)
	r.skip(1) // first_slice_segment_in_pic_flag
	if kind := nalu[0] >> 1; kind >= h265BLA && kind <= h265LastIRAP {
		r.skip(1) // no_output_of_prior_pics_flag
	}
	h.pps = r.ue()
	return h, !r.failed
}
