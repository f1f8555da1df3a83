package h26x

import "bytes"

// startCode begins a NAL unit in an Annex B byte stream (H.264 and H.265, annex B).
var startCode = []byte{0, 0, 1}

// splitAnnexB appends the NAL units of a byte stream to units, at most limit. Zeros in front of a start code are no part of a NAL unit. The units
// alias b.
func splitAnnexB(units [][]byte, b []byte, limit int) ([][]byte, error) {
	i := bytes.Index(b, startCode)
	if i < 0 || len(bytes.Trim(b[:i], "\x00")) > 0 {
		return units, refuse(InvalidUnit, "no start code at the beginning of %d bytes", len(b))
	}
	for b = b[i+3:]; ; b = b[i+3:] {
		if i = bytes.Index(b, startCode); i < 0 {
			i = len(b)
		}
		if len(units) == limit {
			return units, refuse(TooLarge, "more than %d NAL units", limit)
		}
		units = append(units, bytes.TrimRight(b[:i], "\x00"))
		if i == len(b) {
			return units, nil
		}
	}
}
