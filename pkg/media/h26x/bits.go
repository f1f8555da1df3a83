package h26x

import "math/bits"

// bitReader reads the syntax elements of ITU-T H.264, section 7.2 and 9.1, from a raw byte sequence payload. After its end all bits are 0
// and failed is set, so callers check once.
type bitReader struct {
	b      []byte
	pos    int // in bits
	failed bool
}

// bit reads u(1).
func (r *bitReader) bit() uint32 {
	if r.pos >= 8*len(r.b) {
		r.failed = true
		return 0
	}
	v := r.b[r.pos/8] >> (7 - r.pos%8) & 1
	r.pos++
	return uint32(v)
}

func (r *bitReader) flag() bool { return r.bit() == 1 }

// bits reads u(n), n up to 32.
func (r *bitReader) bits(n int) uint32 {
	var v uint32
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

// skip skips n bits.
func (r *bitReader) skip(n int) {
	if r.pos += n; r.pos > 8*len(r.b) {
		r.pos, r.failed = 8*len(r.b), true
	}
}

// ue reads ue(v): an unsigned Exp-Golomb code of at most 32 bits (H.264, section 9.1).
func (r *bitReader) ue() uint32 {
	zeros := 0
	for !r.flag() {
		if zeros++; zeros > 31 || r.failed {
			r.failed = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// se reads se(v), a signed Exp-Golomb code (H.264, section 9.1.1).
func (r *bitReader) se() int32 {
	v := r.ue()
	if v&1 == 1 {
		return int32(v/2 + 1)
	}
	return -int32(v / 2)
}

// bitWriter appends syntax elements to a raw byte sequence payload.
type bitWriter struct {
	b    []byte
	free int // unused bits of the last byte
}

func (w *bitWriter) bits(n int, v uint32) {
	for n--; n >= 0; n-- {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.free--
		w.b[len(w.b)-1] |= byte(v>>n&1) << w.free
	}
}

// ue writes ue(v).
func (w *bitWriter) ue(v uint32) {
	n := bits.Len32(v + 1)
	w.bits(n-1, 0)
	w.bits(n, v+1)
}

// unescape appends src to dst without its emulation prevention bytes: 00 00 03 becomes 00 00 (H.264, section 7.4.1.1).
func unescape(dst, src []byte) []byte {
	zeros := 0
	for _, c := range src {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		if c == 0 {
			zeros++
		} else {
			zeros = 0
		}
		dst = append(dst, c)
	}
	return dst
}

// escape appends src to dst with emulation prevention bytes.
func escape(dst, src []byte) []byte {
	zeros := 0
	for _, c := range src {
		if zeros >= 2 && c <= 3 {
			dst, zeros = append(dst, 3), 0
		}
		if c == 0 {
			zeros++
		} else {
			zeros = 0
		}
		dst = append(dst, c)
	}
	return dst
}
