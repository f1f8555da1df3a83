package fmp4

import "encoding/binary"

// box appends a box (ISO 14496-12, section 4.2): its size, its type, and what content appends.
func box(b []byte, kind string, content func(b []byte) []byte) []byte {
	begin := len(b)
	b = append(append(b, 0, 0, 0, 0), kind...)
	b = content(b)
	binary.BigEndian.PutUint32(b[begin:], uint32(len(b)-begin))
	return b
}

// words returns a function that appends numbers of 32 bits, big endian.
func words(v ...uint32) func(b []byte) []byte {
	return func(b []byte) []byte { return appendWords(b, v...) }
}

func appendWords(b []byte, v ...uint32) []byte {
	for _, w := range v {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// boxes returns a function that appends several boxes.
func boxes(all ...func(b []byte) []byte) func(b []byte) []byte {
	return func(b []byte) []byte {
		for _, f := range all {
			b = f(b)
		}
		return b
	}
}

// in returns a function that appends a box.
func in(kind string, content func(b []byte) []byte) func(b []byte) []byte {
	return func(b []byte) []byte { return box(b, kind, content) }
}
