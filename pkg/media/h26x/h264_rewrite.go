package h26x

import "bytes"

// withoutReordering returns an H.264 SPS with a bitstream restriction that says that no frame is reordered: max_num_reorder_frames is 0, and
// max_dec_frame_buffering is max_num_ref_frames, at least 1. The other values are those that H.264, section E.2.1 infers where there is
// no restriction. All other bits stay. It returns nil if the SPS has a restriction, or does not end where its VUI ends.
func withoutReordering(nalu []byte) []byte {
	payload := unescape(nil, nalu[1:])
	_, s, err := parseH264SPS(payload)
	if err != nil || !s.vui.isValid || s.vui.hasRestriction || s.referenceFrames > maxReorder {
		return nil
	}
	if !isTrailing(payload, s.vui.pos+1) {
		return nil
	}
	w := copyBits(payload, s.vui.pos)
	if !s.vui.isPresent {
		w.bits(1, 1) // vui_parameters_present_flag
		w.bits(8, 0) // no aspect ratio, overscan, signal type, chroma location, timing, HRD (NAL and VCL), pic_struct
	}
	w.bits(1, 1) // bitstream_restriction_flag
	w.bits(1, 1) // motion_vectors_over_pic_boundaries_flag
	w.ue(2)      // max_bytes_per_pic_denom
	w.ue(1)      // max_bits_per_mb_denom
	w.ue(15)     // log2_max_mv_length_horizontal
	w.ue(15)     // log2_max_mv_length_vertical
	w.ue(0)      // max_num_reorder_frames
	w.ue(max(s.referenceFrames, 1))
	w.bits(1, 1) // rbsp_stop_one_bit; the rest of the last byte is 0
	return escape(bytes.Clone(nalu[:1]), w.b)
}

// isTrailing reports whether the payload has rbsp_trailing_bits at pos: a 1, and zeros up to the end (H.264, section 7.3.2.11).
func isTrailing(payload []byte, pos int) bool {
	r := &bitReader{b: payload, pos: pos}
	if !r.flag() {
		return false
	}
	for r.pos%8 != 0 {
		if r.flag() {
			return false
		}
	}
	return len(bytes.Trim(payload[r.pos/8:], "\x00")) == 0
}

// copyBits begins a payload with the first n bits of another.
func copyBits(payload []byte, n int) *bitWriter {
	w := &bitWriter{b: bytes.Clone(payload[:(n+7)/8])}
	if n%8 != 0 {
		w.free = 8 - n%8
		w.b[len(w.b)-1] &= 0xFF << w.free
	}
	return w
}
