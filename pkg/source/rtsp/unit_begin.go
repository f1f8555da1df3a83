package rtsp

import "camd/pkg/media/h26x"

// Types of NAL units and of RTP payloads.
const (
	h264IDR       = 5  // ITU-T H.264, table 7-1; from 1 on these are slices
	h264SEI       = 6  //
	h264SPS       = 7  //
	h264PPS       = 8  //
	h264Delimiter = 9  //
	h264STAPA     = 24 // RFC 6184, table 1
	h264FUA       = 28 //

	h265LastSlice = 31 // ITU-T H.265, table 7-1
	h265VPS       = 32 //
	h265SPS       = 33 //
	h265PPS       = 34 //
	h265Delimiter = 35 //
	h265PrefixSEI = 39 //
	h265Aggregate = 48 // RFC 7798, section 4.4.2
	h265Fragment  = 49 // section 4.4.3
)

// beginsUnit reports whether a payload certainly is the first of an access unit, or of a JPEG. If mayContinue, what comes behind a
// delimiter and the parameter sets counts, too: nothing was lost before it, as far as is known.
func beginsUnit(codec h26x.Codec, payload []byte, mayContinue bool) bool {
	switch codec {
	case h26x.H264:
		return beginsH264(payload, mayContinue)
	case h26x.H265:
		return beginsH265(payload, mayContinue)
	}
	return len(payload) >= 4 && payload[1]|payload[2]|payload[3] == 0 // the fragment offset of RFC 2435, section 3.1.2
}

func beginsH264(payload []byte, mayContinue bool) bool {
	if len(payload) < 2 {
		return false
	}
	kind, slice := payload[0]&0x1F, payload[1:]
	switch {
	case kind == h264STAPA && len(payload) > 4:
		kind, slice = payload[3]&0x1F, payload[4:]
	case kind == h264FUA && len(payload) > 2:
		if payload[1]&0x80 == 0 { // not the first fragment, RFC 6184, section 5.8
			return false
		}
		kind, slice = payload[1]&0x1F, payload[2:]
	}
	switch {
	case kind == h264Delimiter || kind == h264SPS:
		return true
	case kind == h264SEI || kind == h264PPS:
		return mayContinue
	case kind >= 1 && kind <= h264IDR:
		return mayContinue && slice[0]&0x80 != 0 // first_mb_in_slice is 0, section 7.3.3
	}
	return false
}

func beginsH265(payload []byte, mayContinue bool) bool {
	if len(payload) < 3 {
		return false
	}
	kind, slice := payload[0]>>1&0x3F, payload[2:]
	switch {
	case kind == h265Aggregate && len(payload) > 6:
		kind, slice = payload[4]>>1&0x3F, payload[6:]
	case kind == h265Fragment && len(payload) > 3:
		if payload[2]&0x80 == 0 {
			return false
		}
		kind, slice = payload[2]&0x3F, payload[3:]
	}
	switch {
	case kind == h265Delimiter || kind == h265VPS:
		return true
	case kind == h265SPS || kind == h265PPS || kind == h265PrefixSEI:
		return mayContinue
	case kind <= h265LastSlice:
		return mayContinue && slice[0]&0x80 != 0 // first_slice_segment_in_pic_flag, section 7.3.6.1
	}
	return false
}
