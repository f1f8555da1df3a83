package h26x

import (
	"errors"
	"fmt"
	"slices"
)

var errShort = errors.New("it ends too early")

// vuiEnd is the end of an H.264 sequence parameter set, where the bitstream restriction is.
type vuiEnd struct {
	isPresent      bool // vui_parameters_present_flag
	isValid        bool // all of it could be read
	hasRestriction bool // bitstream_restriction_flag
	pos            int  // bits from the start of the payload to vui_parameters_present_flag if it is 0, else to bitstream_restriction_flag
}

// highProfiles are those whose SPS has chroma_format_idc (H.264, section 7.3.2.1.1).
var highProfiles = []byte{100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}

// parseH264SPS reads seq_parameter_set_rbsp (H.264, section 7.3.2.1). The payload is without emulation prevention, and without the byte
// of the NAL unit's header. A VUI that cannot be read is left out: cameras make mistakes there, and pictures decode without it.
func parseH264SPS(payload []byte) (id uint32, s *sps, err error) {
	if len(payload) < 4 {
		return 0, nil, errShort
	}
	s = &sps{profile: slices.Clone(payload[:3]), chromaFormat: 1}
	r := &bitReader{b: payload, pos: 24}
	if id = r.ue(); id > 31 {
		return 0, nil, fmt.Errorf("seq_parameter_set_id %d", id)
	}
	isSeparate := false
	if slices.Contains(highProfiles, payload[0]) {
		isSeparate = s.readChroma(r)
	}
	r.ue() // log2_max_frame_num_minus4
	if err := skipOrderCount(r); err != nil {
		return 0, nil, err
	}
	s.referenceFrames = r.ue()
	r.skip(1) // gaps_in_frame_num_value_allowed_flag
	widthInMBs, heightInUnits := uint64(r.ue())+1, uint64(r.ue())+1
	fieldFactor := uint64(1)
	if !r.flag() { // frame_mbs_only_flag
		fieldFactor = 2
		r.skip(1) // mb_adaptive_frame_field_flag
	}
	r.skip(1) // direct_8x8_inference_flag
	crop := readCrop(r)
	if r.failed {
		return 0, nil, errShort
	}
	x, y := cropUnits(s.chromaFormat, isSeparate)
	width, height := min(16*widthInMBs, maxSide+1), min(16*heightInUnits*fieldFactor, maxSide+1)
	if err := s.setSize(uint32(width), uint32(height), crop, x, y*uint32(fieldFactor)); err != nil {
		return 0, nil, err
	}
	s.readVUI(r)
	return id, s, nil
}

// readChroma reads chroma_format_idc up to the scaling matrix, and reports whether colour planes are separate.
func (s *sps) readChroma(r *bitReader) (isSeparate bool) {
	if s.chromaFormat = r.ue(); s.chromaFormat == 3 {
		isSeparate = r.flag()
	}
	s.lumaDepth, s.chromaDepth = r.ue(), r.ue()
	if s.chromaFormat > 3 || s.lumaDepth > 6 || s.chromaDepth > 6 {
		r.failed = true
	}
	r.skip(1)      // qpprime_y_zero_transform_bypass_flag
	if !r.flag() { // seq_scaling_matrix_present_flag
		return isSeparate
	}
	lists := 8
	if s.chromaFormat == 3 {
		lists = 12
	}
	for i := range lists {
		if r.flag() { // seq_scaling_list_present_flag
			skipScalingList(r, i)
		}
	}
	return isSeparate
}

// skipScalingList skips scaling_list (H.264, section 7.3.2.1.1.1). The first six have 16 entries, the others 64.
func skipScalingList(r *bitReader, list int) {
	size := 64
	if list < 6 {
		size = 16
	}
	last, next := int32(8), int32(8)
	for range size {
		if next != 0 {
			next = (last + r.se()) & 0xFF
		}
		if next != 0 {
			last = next
		}
	}
}

// skipOrderCount skips pic_order_cnt_type and what belongs to it.
func skipOrderCount(r *bitReader) error {
	switch kind := r.ue(); kind {
	case 0:
		r.ue() // log2_max_pic_order_cnt_lsb_minus4
	case 1:
		r.skip(1) // delta_pic_order_always_zero_flag
		r.se()    // offset_for_non_ref_pic
		r.se()    // offset_for_top_to_bottom_field
		n := r.ue()
		if n > 255 {
			return fmt.Errorf("num_ref_frames_in_pic_order_cnt_cycle %d", n)
		}
		for range n {
			r.se() // offset_for_ref_frame
		}
	case 2:
	default:
		return fmt.Errorf("pic_order_cnt_type %d", kind)
	}
	return nil
}

// readVUI reads vui_parameters (H.264, section E.1.1) up to its end.
func (s *sps) readVUI(r *bitReader) {
	v := vuiEnd{pos: r.pos}
	if v.isPresent = r.flag(); v.isPresent {
		skipVUI(r)
		v.pos = r.pos
		if v.hasRestriction = r.flag(); v.hasRestriction {
			r.skip(1) // motion_vectors_over_pic_boundaries_flag
			for range 4 {
				r.ue() // max_bytes_per_pic_denom, max_bits_per_mb_denom, log2_max_mv_length_horizontal, _vertical
			}
			s.reorder = int(min(r.ue(), maxReorder))
			r.ue() // max_dec_frame_buffering
		}
	}
	if v.isValid = !r.failed; !v.isValid {
		s.reorder = 0
	}
	s.vui = v
}

// skipVUI skips everything in front of bitstream_restriction_flag.
func skipVUI(r *bitReader) {
	if r.flag() && r.bits(8) == 255 { // aspect_ratio_idc: Extended_SAR
		r.skip(32)
	}
	if r.flag() { // overscan_info_present_flag
		r.skip(1)
	}
	if r.flag() { // video_signal_type_present_flag
		r.skip(4)
		if r.flag() { // colour_description_present_flag
			r.skip(24)
		}
	}
	if r.flag() { // chroma_loc_info_present_flag
		r.ue()
		r.ue()
	}
	if r.flag() { // timing_info_present_flag
		r.skip(65)
	}
	hasNAL := r.flag()
	if hasNAL {
		skipHRD(r)
	}
	hasVCL := r.flag()
	if hasVCL {
		skipHRD(r)
	}
	if hasNAL || hasVCL {
		r.skip(1) // low_delay_hrd_flag
	}
	r.skip(1) // pic_struct_present_flag
}

// skipHRD skips hrd_parameters (H.264, section E.1.2).
func skipHRD(r *bitReader) {
	n := r.ue()
	if n > 31 { // cpb_cnt_minus1, section E.2.2
		r.failed = true
		return
	}
	r.skip(8)
	for range n + 1 {
		r.ue()
		r.ue()
		r.skip(1)
	}
	r.skip(20)
}
