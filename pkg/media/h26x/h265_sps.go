package h26x

import (
	"fmt"
	"slices"
)

// parseH265SPS reads seq_parameter_set_rbsp (H.265, section 7.3.2.2.1) up to the number of reordered pictures. The payload is without
// emulation prevention, and without the two bytes of the NAL unit's header.
func parseH265SPS(payload []byte) (id uint32, s *sps, err error) {
	if len(payload) < 13 {
		return 0, nil, errShort
	}
	r := &bitReader{b: payload}
	s = &sps{vps: r.bits(4), topLayer: byte(r.bits(3)), isNested: r.flag()}
	if s.topLayer > 6 {
		return 0, nil, fmt.Errorf("sps_max_sub_layers_minus1 %d", s.topLayer)
	}
	s.profile = slices.Clone(payload[1:13])
	r.skip(96)
	skipSubLayerProfiles(r, int(s.topLayer))
	if id = r.ue(); id > 15 {
		return 0, nil, fmt.Errorf("sps_seq_parameter_set_id %d", id)
	}
	isSeparate := false
	if s.chromaFormat = r.ue(); s.chromaFormat == 3 {
		isSeparate = r.flag()
	}
	width, height := r.ue(), r.ue()
	crop := readCrop(r)
	s.lumaDepth, s.chromaDepth = r.ue(), r.ue()
	r.ue() // log2_max_pic_order_cnt_lsb_minus4
	s.readReordering(r)
	if r.failed {
		return 0, nil, errShort
	}
	if s.chromaFormat > 3 || s.lumaDepth > 8 || s.chromaDepth > 8 {
		return 0, nil, fmt.Errorf("chroma_format_idc %d, depths %d and %d", s.chromaFormat, s.lumaDepth, s.chromaDepth)
	}
	x, y := cropUnits(s.chromaFormat, isSeparate)
	return id, s, s.setSize(width, height, crop, x, y)
}

// skipSubLayerProfiles skips what profile_tier_level has for each sub-layer but the highest (H.265, section 7.3.3).
func skipSubLayerProfiles(r *bitReader, n int) {
	if n == 0 {
		return
	}
	skip := 0
	for i := range 8 {
		if i >= n {
			r.skip(2) // reserved_zero_2bits
			continue
		}
		if r.flag() { // sub_layer_profile_present_flag
			skip += 88
		}
		if r.flag() { // sub_layer_level_present_flag
			skip += 8
		}
	}
	r.skip(skip)
}

// readReordering reads sps_max_num_reorder_pics of the highest sub-layer.
func (s *sps) readReordering(r *bitReader) {
	layers := 1
	if r.flag() { // sps_sub_layer_ordering_info_present_flag
		layers += int(s.topLayer)
	}
	for range layers {
		r.ue() // sps_max_dec_pic_buffering_minus1
		s.reorder = int(min(r.ue(), maxReorder))
		r.ue() // sps_max_latency_increase_plus1
	}
}
