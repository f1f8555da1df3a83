package mjpeg

// quick is the length of codes that are found by one look into a table. Longer ones are rare.
const quick = 9

// codes find the symbols of a Huffman table.
type codes struct {
	short  [1 << quick]struct{ symbol, length uint8 } // by the next bits
	end    [17]uint32                                 // by length: the first code that is longer, in 16 bits
	first  [17]int                                    // by length: the value of the first code of it
	values []byte
}

// newCodes reads a table as T.81, C.2 and F.2.2.3 say: 16 counts and the values.
func newCodes(table []byte) *codes {
	c := &codes{values: table[16:]}
	code, at := uint32(0), 0
	for length := 1; length <= 16; length++ {
		unit := uint32(1) << (16 - length) // of codes with bits behind
		c.first[length] = at - int(code>>(16-length))
		for range table[length-1] {
			if length <= quick {
				begin, n := code>>(16-quick), unit>>(16-quick)
				for i := range n {
					c.short[begin+i].symbol, c.short[begin+i].length = c.values[at], uint8(length)
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
func (c *codes) find(bits uint64) (symbol byte, length int) {
	if e := c.short[bits>>(64-quick)]; e.length > 0 {
		return e.symbol, int(e.length)
	}
	next := uint32(bits >> 48)
	for length := quick + 1; length <= 16; length++ {
		if next < c.end[length] {
			return c.values[c.first[length]+int(next>>(16-length))], length
		}
	}
	return 0, 0
}
