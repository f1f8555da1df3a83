package mjpeg

import "bytes"

// decodeScan decodes a scan's data, and refuses it if more MCUs are missing than may be. Coefficients are passed over, not
// kept. A restart interval that is damaged does not spoil the next.
func (s *scanner) decodeScan(h *scanHeader, data []byte) error {
	if h.progressive && h.refines {
		return nil // what such a scan says depends on the coefficients, and its loss can hardly be seen
	}
	d := newEntropyDecoder(&s.tables, *h)
	lost, total := 0, h.mcus()
	for done := 0; done < total; {
		n := total - done
		if s.restart > 0 {
			n = min(n, s.restart)
		}
		d.data, data = nextInterval(data)
		lost += n - d.mcus(n)
		done += n
	}
	if lost > h.spare() {
		return s.refuse(Damaged, "%d of %d blocks can be decoded", total-lost, total)
	}
	return nil
}

// nextInterval cuts off what comes before a restart marker. Fill bytes may stand before the marker.
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

// entropyDecoder reads Huffman codes (T.81, F.2.2) and passes over the bits that follow them.
type entropyDecoder struct {
	scanHeader
	dc, ac [4]*codes // by the scan's component

	data []byte
	bits uint64 // the next are the highest; zeros behind the last
	have int    // how many of them there are; negative when more were taken than there were
	skip int    // blocks of a progressive scan that have no more coefficients
}

func newEntropyDecoder(t *tables, h scanHeader) entropyDecoder {
	d := entropyDecoder{scanHeader: h}
	for i, p := range h.all() {
		if h.needsDC() {
			d.dc[i] = newCodes(t.huffman[0][p.dc])
		}
		if h.needsAC() {
			d.ac[i] = newCodes(t.huffman[1][p.ac])
		}
	}
	return d
}

// mcus decodes n MCUs of a restart interval and returns how many there were.
func (d *entropyDecoder) mcus(n int) int {
	d.bits, d.have, d.skip = 0, 0, 0
	for i := range n {
		for c, p := range d.all() {
			for range p.blocks {
				if !d.block(c) {
					return i
				}
			}
		}
	}
	return n
}

// block decodes a block, and reports whether it was there.
func (d *entropyDecoder) block(c int) bool {
	k := d.first
	if k == 0 {
		if _, ok := d.symbol(d.dc[c]); !ok {
			return false
		}
		k = 1
	}
	if d.skip > 0 {
		d.skip--
		return true
	}
	for k <= d.last {
		symbol, ok := d.symbol(d.ac[c])
		if !ok {
			return false
		}
		switch run, size := int(symbol>>4), symbol&15; {
		case size > 0 || run == 15:
			k += run + 1
		case d.progressive && run > 0: // T.81, G.1.2.2: so many blocks end here
			d.skip = 1<<run - 1 + d.take(run)
			return d.have >= 0
		default:
			return true
		}
	}
	return true
}

// symbol reads a Huffman code, and passes over as many bits as its low half says. The lower half of a DC symbol is all of it.
func (d *entropyDecoder) symbol(codes *codes) (symbol byte, ok bool) {
	if d.have < 32 {
		d.fill()
	}
	symbol, length := codes.find(d.bits)
	length += int(symbol & 15)
	d.bits <<= length
	d.have -= length
	return symbol, d.have >= 0 && length > 0
}

// take reads bits.
func (d *entropyDecoder) take(n int) int {
	if d.have < n {
		d.fill()
	}
	v := int(d.bits >> (64 - n))
	d.bits <<= n
	d.have -= n
	return v
}

// fill reads bytes, and passes over the zeros that are stuffed in behind FF (T.81, F.1.2.3).
func (d *entropyDecoder) fill() {
	for d.have <= 56 && len(d.data) > 0 {
		c := d.data[0]
		d.data = d.data[1:]
		if c == 0xFF && len(d.data) > 0 && d.data[0] == 0 {
			d.data = d.data[1:]
		}
		d.bits |= uint64(c) << (56 - d.have)
		d.have += 8
	}
}
