package media

// prefixBits is the length of codes that are found by one look into a table. Longer ones are rare.
const prefixBits = 9

// huffmanCodes find the symbols of a Huffman table.
type huffmanCodes struct {
	byPrefix [1 << prefixBits]struct{ symbol, length uint8 } // by the next bits
	end      [17]uint32                                      // by length: the first code that is longer, in 16 bits
	first    [17]int                                         // by length: the value of the first code of it
	values   []byte
}

// newHuffmanCodes reads a table as T.81, C.2 and F.2.2.3 say: 16 counts and the values.
func newHuffmanCodes(table []byte) *huffmanCodes {
	c := &huffmanCodes{values: table[16:]}
	code, at := uint32(0), 0
	for length := 1; length <= 16; length++ {
		unit := uint32(1) << (16 - length) // of codes with bits behind
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

// find returns the symbol whose code the highest bits are, and its length, or 0 and 0 if there is none.
func (c *huffmanCodes) find(bits uint64) (symbol byte, length int) {
	if e := c.byPrefix[bits>>(64-prefixBits)]; e.length > 0 {
		return e.symbol, int(e.length)
	}
	next := uint32(bits >> 48)
	for length := prefixBits + 1; length <= 16; length++ {
		if next < c.end[length] {
			return c.values[c.first[length]+int(next>>(16-length))], length
		}
	}
	return 0, 0
}
