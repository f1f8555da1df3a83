package media

import "bytes"

// decodeScan decodes the data of a scan, and returns an error if more than maxMissingMCUs are missing. It does not keep coefficients.
// Damage in one restart interval does not affect the next.
func (s *scanner) decodeScan(h *scanHeader, data []byte) error {
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
func (d *entropyDecoder) decodeMCUs(n int) int {
	d.bits, d.bitsLeft, d.skipBlocks = 0, 0, 0
	for i := range n {
		for c, p := range d.all() {
			for range p.blocks {
				if !d.decodeBlock(c) {
					return i
				}
			}
		}
	}
	return n
}

// decodeBlock decodes a block of component c, and reports whether all of it was there.
func (d *entropyDecoder) decodeBlock(c int) bool {
	k := d.first
	if k == 0 {
		if _, ok := d.readSymbol(d.dc[c]); !ok {
			return false
		}
		k = 1
	}
	if d.skipBlocks > 0 {
		d.skipBlocks--
		return true
	}
	for k <= d.last {
		symbol, ok := d.readSymbol(d.ac[c])
		if !ok {
			return false
		}
		switch run, size := int(symbol>>4), symbol&15; {
		case size > 0 || run == 15:
			k += run + 1
		case d.progressive && run > 0: // T.81, G.1.2.2: so many blocks end here
			d.skipBlocks = 1<<run - 1 + d.readBits(run)
			return d.bitsLeft >= 0
		default:
			return true
		}
	}
	return true
}

// readSymbol reads a Huffman code and skips the bits behind it, whose number is in the low half of the symbol. It returns false
// if the code is invalid or the data ends before. The high half of a DC symbol is 0.
func (d *entropyDecoder) readSymbol(codes *huffmanCodes) (symbol byte, ok bool) {
	if d.bitsLeft < 32 {
		d.refill()
	}
	symbol, length := codes.find(d.bits)
	length += int(symbol & 15)
	d.bits <<= length
	d.bitsLeft -= length
	return symbol, d.bitsLeft >= 0 && length > 0
}

// readBits reads n bits, from 1 to 15, as a number.
func (d *entropyDecoder) readBits(n int) int {
	if d.bitsLeft < n {
		d.refill()
	}
	v := int(d.bits >> (64 - n))
	d.bits <<= n
	d.bitsLeft -= n
	return v
}

// refill reads bytes into bits. It skips the zero bytes that encoders put after FF (T.81, F.1.2.3).
func (d *entropyDecoder) refill() {
	for d.bitsLeft <= 56 && len(d.data) > 0 {
		c := d.data[0]
		d.data = d.data[1:]
		if c == 0xFF && len(d.data) > 0 && d.data[0] == 0 {
			d.data = d.data[1:]
		}
		d.bits |= uint64(c) << (56 - d.bitsLeft)
		d.bitsLeft += 8
	}
}
