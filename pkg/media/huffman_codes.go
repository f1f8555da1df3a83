package media

// prefixBits is the length of the longest codes that byPrefix has. Longer ones are rare.
const prefixBits = 9

// huffmanCodes finds the symbols of a Huffman table by their codes.
type huffmanCodes struct {
	byPrefix [1 << prefixBits]struct{ symbol, length uint8 } // by the next prefixBits bits; length 0 for longer codes
	end      [17]uint32                                      // by length: the first longer code, padded to 16 bits
	first    [17]int                                         // by length: index in values of a code, minus the code
	values   []byte
}

// newHuffmanCodes builds the codes from a table: 16 counts and the values (T.81, C.2 and F.2.2.3).
func newHuffmanCodes(table []byte) *huffmanCodes {
	c := &huffmanCodes{values: table[16:]}
	code, at := uint32(0), 0
	for length := 1; length <= 16; length++ {
		unit := uint32(1) << (16 - length) // the distance between codes of this length, padded to 16 bits
		c.first[length] = at - int(code>>(16-length))
		for range table[length-1] {
			if length <= prefixBits {
				begin, n := code>>(16-prefixBits), unit>>(16-prefixBits)
				for i := range n {
					c.byPrefix[begin+i].symbol, c.byPrefix[begin+i].length = c.values[at], uint8(length)
				}
			}
			at++
			code += unit
		}
		c.end[length] = code
	}
	return c
}

// find returns the symbol whose code is in the highest bits, and the length of the code. It returns 0 and 0 if there is none.
func (h *huffmanCodes) find(bits uint64) (symbol byte, length int) {
	if e := h.byPrefix[bits>>(64-prefixBits)]; e.length > 0 {
		return e.symbol, int(e.length)
	}
	next := uint32(bits >> 48)
	for length := prefixBits + 1; length <= 16; length++ {
		if next < h.end[length] {
			return h.values[h.first[length]+int(next>>(16-length))], length
		}
	}
	return 0, 0
}
