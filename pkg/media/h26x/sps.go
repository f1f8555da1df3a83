package h26x

import "fmt"

// sps is what camd reads of a sequence parameter set.
type sps struct {
	vps                    uint32 // H.265: the video parameter set to which it refers
	width, height          int    // in pixels, after cropping
	chromaFormat           uint32 // 0 to 3: monochrome, 4:2:0, 4:2:2, 4:4:4
	lumaDepth, chromaDepth uint32 // bits minus 8
	reorder                int    // frames that may precede a frame in decoding order and follow it in output order; 0 if that is not known
	topLayer               byte   // H.265: the highest TemporalId
	isNested               bool   // H.265: sps_temporal_id_nesting_flag
	profile                []byte // H.264: 3 bytes, profile, constraints, level; H.265: the 12 bytes of general profile, tier and level
	referenceFrames        uint32 // H.264: max_num_ref_frames
	vui                    vuiEnd // H.264
}

// maxSide bounds the width and height of a picture. The largest of H.264 and H.265 are 16384 and 8192 samples wide (levels 6.2, table A-1
// and A.6).
const maxSide = 16384

// setSize sets the size after cropping. Offsets are those of frame_cropping or of the conformance window, in units of x and y samples.
func (s *sps) setSize(width, height uint32, crop [4]uint32, x, y uint32) error {
	left, right, top, bottom := uint64(crop[0]), uint64(crop[1]), uint64(crop[2]), uint64(crop[3])
	w, h := int64(width)-int64((left+right)*uint64(x)), int64(height)-int64((top+bottom)*uint64(y))
	if width > maxSide || height > maxSide || w < 1 || h < 1 {
		return fmt.Errorf("size %dx%d, %dx%d after cropping", width, height, w, h)
	}
	s.width, s.height = int(w), int(h)
	return nil
}

// cropUnits returns the units of the cropping offsets in luma samples: SubWidthC and SubHeightC (H.264, table 6-1). Monochrome pictures and
// separate colour planes count single samples.
func cropUnits(chromaFormat uint32, isSeparate bool) (x, y uint32) {
	switch {
	case isSeparate:
		return 1, 1
	case chromaFormat == 1:
		return 2, 2
	case chromaFormat == 2:
		return 2, 1
	}
	return 1, 1
}

// readCrop reads four offsets: left, right, top, bottom.
func readCrop(r *bitReader) (crop [4]uint32) {
	if r.flag() {
		for i := range crop {
			crop[i] = r.ue()
		}
	}
	return crop
}
