package media

import "bytes"

// Verify checks a picture as Normalize does, and also decodes its entropy-coded data. It finds data that ends early, and codes
// that are not in the Huffman tables. One row of blocks may be missing at the lower edge. Verify does not decode the scans that
// refine a progressive picture. It allocates a few kilobytes. Its error is always a *RefusedError.
func Verify(b []byte, limits Limits) error {
	_, err := parse(b, limits, true)
	return err
}

// decodeScan decodes the data of a scan, and returns an error if more than maxMissingMCUs are missing. It does not keep coefficients.
// Damage in one restart interval does not affect the next.
func (s *parser) decodeScan(h *scanHeader, data []byte) error {
	if h.progressive && h.isRefinement {
		return nil // decoding it needs the coefficients of earlier scans, and damage in it can hardly be seen
	}
	d := newEntropyDecoder(&s.tables, *h)
	lost, total := 0, h.mcuCount()
	for done := 0; done < total; {
		n := total - done
		if s.restartInterval > 0 {
			n = min(n, s.restartInterval)
		}
		d.data, data = nextInterval(data)
		lost += n - d.decodeMCUs(n)
		done += n
	}
	if lost > h.maxMissingMCUs() {
		return s.refuse(Damaged, "%d of %d blocks can be decoded", total-lost, total)
	}
	return nil
}

// nextInterval splits data at the first restart marker. Fill bytes may precede the marker.
func nextInterval(data []byte) (interval, rest []byte) {
	for at := 0; ; {
		i := bytes.IndexByte(data[at:], 0xFF)
		if i < 0 || at+i+1 >= len(data) {
			return data, nil
		}
		switch at += i; {
		case data[at+1] == 0:
			at += 2
		case isRestart(data[at+1]):
			return data[:at], data[at+2:]
		default:
			at++
		}
	}
}

// entropyDecoder reads Huffman codes (T.81, F.2.2) and skips the bits of the coefficients that follow them.
type entropyDecoder struct {
	scanHeader
	dc, ac [4]*huffmanCodes // by the scan's component

	data       []byte
	bits       uint64 // the highest bit is the next one; zeros follow the last
	bitsLeft   int    // how many bits are left in bits; negative if more were read than there were
	skipBlocks int    // how many of the next blocks of a progressive scan have no coefficients
}

func newEntropyDecoder(t *tables, h scanHeader) entropyDecoder {
	d := entropyDecoder{scanHeader: h}
	for i, p := range h.all() {
		if h.needsDC() {
			d.dc[i] = newHuffmanCodes(t.huffman[0][p.dc])
		}
		if h.needsAC() {
			d.ac[i] = newHuffmanCodes(t.huffman[1][p.ac])
		}
	}
	return d
}

// decodeMCUs decodes n MCUs of a restart interval and returns how many there were.
func (e *entropyDecoder) decodeMCUs(n int) int {
	e.bits, e.bitsLeft, e.skipBlocks = 0, 0, 0
	for i := range n {
		for c, p := range e.all() {
			for range p.blocks {
				if !e.decodeBlock(c) {
					return i
				}
			}
		}
	}
	return n
}

// decodeBlock decodes a block of component c, and reports whether all of it was there.
func (e *entropyDecoder) decodeBlock(c int) bool {
	k := e.first
	if k == 0 {
		if _, ok := e.readSymbol(e.dc[c]); !ok {
			return false
		}
		k = 1
	}
	if e.skipBlocks > 0 {
		e.skipBlocks--
		return true
	}
	for k <= e.last {
		symbol, ok := e.readSymbol(e.ac[c])
		if !ok {
			return false
		}
		switch run, size := int(symbol>>4), symbol&15; {
		case size > 0 || run == 15:
			k += run + 1
		case e.progressive && run > 0: // T.81, G.1.2.2: the number of blocks that end here follows
			e.skipBlocks = 1<<run - 1 + e.readBits(run)
			return e.bitsLeft >= 0
		default:
			return true
		}
	}
	return true
}

// readSymbol reads a Huffman code and skips the bits behind it, whose number is in the low half of the symbol. It returns false
// if the code is invalid or the data ends before. The high half of a DC symbol is 0.
func (e *entropyDecoder) readSymbol(codes *huffmanCodes) (symbol byte, ok bool) {
	if e.bitsLeft < 32 {
		e.refill()
	}
	symbol, length := codes.find(e.bits)
	length += int(symbol & 15)
	e.bits <<= length
	e.bitsLeft -= length
	return symbol, e.bitsLeft >= 0 && length > 0
}

// readBits reads n bits, from 1 to 15, as a number.
func (e *entropyDecoder) readBits(n int) int {
	if e.bitsLeft < n {
		e.refill()
	}
	v := int(e.bits >> (64 - n))
	e.bits <<= n
	e.bitsLeft -= n
	return v
}

// refill reads bytes into bits. It skips the zero bytes that encoders put after FF (T.81, F.1.2.3).
func (e *entropyDecoder) refill() {
	for e.bitsLeft <= 56 && len(e.data) > 0 {
		c := e.data[0]
		e.data = e.data[1:]
		if c == 0xFF && len(e.data) > 0 && e.data[0] == 0 {
			e.data = e.data[1:]
		}
		e.bits |= uint64(c) << (56 - e.bitsLeft)
		e.bitsLeft += 8
	}
}
