package media

import (
	"encoding/binary"
	"slices"
)

// frameHeader is the content of a frame header (T.81, B.2.2).
type frameHeader struct {
	width, height int // 0 until the frame header
	progressive   bool
	count         int // of components
	components    [4]component
	hMax, vMax    int // the largest sampling factors
}

// component is a component of a frame.
type component struct {
	id         byte
	h, v       int  // sampling factors
	quantTable byte // number of its quantisation table
	hasScan    bool // there was a scan with its DC coefficients
}

func (f *frameHeader) all() []component { return f.components[:f.count] }

// readFrameHeader reads the body of SOF0 to SOF2: precision, height, width, number of components, and three bytes for each.
func (s *parser) readFrameHeader(m byte, body []byte) error {
	f := &s.frame
	if f.width != 0 {
		return s.refuse(Damaged, "second frame header")
	}
	if len(body) < 6 || len(body) != 6+3*int(body[5]) {
		return s.refuse(Damaged, "frame header of %d bytes", len(body))
	}
	if body[0] != 8 {
		return s.refuse(Unsupported, "%d bits a sample", body[0])
	}
	if n := body[5]; n != 1 && n != 3 && n != 4 {
		return s.refuse(Unsupported, "%d components", n)
	}
	f.height, f.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	if f.width == 0 || f.height == 0 {
		return s.refuse(Unsupported, "size %dx%d", f.width, f.height)
	}
	if f.width*f.height > s.limits.Pixels {
		return s.refuse(TooLarge, "size %dx%d has more than %d pixels", f.width, f.height, s.limits.Pixels)
	}
	f.progressive = m == markSOF2
	for c := range slices.Chunk(body[6:], 3) {
		h, v := int(c[1]>>4), int(c[1]&15)
		if h < 1 || h > 4 || v < 1 || v > 4 || c[2] > 3 {
			return s.refuse(Damaged, "component % x", c)
		}
		if slices.ContainsFunc(f.all(), func(earlier component) bool { return earlier.id == c[0] }) {
			return s.refuse(Damaged, "two components %d", c[0])
		}
		f.components[f.count] = component{id: c[0], h: h, v: v, quantTable: c[2]}
		f.count++
		f.hMax, f.vMax = max(f.hMax, h), max(f.vMax, v)
	}
	return nil
}

// scanHeader is the content of a scan header (T.81, B.2.3), and the scan's size in MCUs.
type scanHeader struct {
	count            int // of components
	components       [4]scanComponent
	first, last      int // range of coefficients in zigzag order; 0 and 63 in a sequential scan
	progressive      bool
	isRefinement     bool // the scan has another bit of coefficients in earlier scans
	rows, mcusPerRow int  // size of the scan
}

// scanComponent is a component in a scan.
type scanComponent struct {
	dc, ac byte // numbers of its Huffman tables
	blocks int  // in an MCU
}

func (s *scanHeader) all() []scanComponent { return s.components[:s.count] }

func (s *scanHeader) needsDC() bool { return s.first == 0 && !s.isRefinement }

func (s *scanHeader) needsAC() bool { return s.last > 0 }

func (s *scanHeader) mcuCount() int { return s.rows * s.mcusPerRow }

// maxMissingMCUs returns how many of the scan's last MCUs may be missing. Cheap cameras end their data some blocks early. Every decoder
// shows such a picture, with a few grey blocks at its lower edge.
func (s *scanHeader) maxMissingMCUs() int { return min(s.mcusPerRow, s.mcuCount()/16) }

// maxBlocksPerMCU is how many blocks an MCU of several components may have (T.81, B.2.3).
const maxBlocksPerMCU = 10

// readScanHeader reads the body of a scan header: number of components, two bytes for each, and three more.
func (s *parser) readScanHeader(body []byte) (scanHeader, error) {
	var h scanHeader
	f := &s.frame
	if f.width == 0 || s.tables.quantisation == 0 {
		return h, s.refuse(Damaged, "scan before frame header and quantisation tables")
	}
	if n := len(body); n < 6 || n != 4+2*int(body[0]) || int(body[0]) > f.count {
		return h, s.refuse(Damaged, "scan header % x", body[:min(n, 12)])
	}
	h.count, h.last = int(body[0]), 63
	if err := s.readSpectralSelection(&h, body[len(body)-3:]); err != nil {
		return h, err
	}
	used, blocks := 0, 0
	for i := range h.count {
		id, selected := body[1+2*i], body[2+2*i]
		at := slices.IndexFunc(f.all(), func(c component) bool { return c.id == id })
		if at < 0 || used&(1<<at) != 0 || selected>>4 > 3 || selected&15 > 3 {
			return h, s.refuse(Damaged, "component %02x %02x of a scan", id, selected)
		}
		c := &f.components[at]
		if s.tables.quantisation&(1<<c.quantTable) == 0 {
			return h, s.refuse(Damaged, "no quantisation table %d", c.quantTable)
		}
		used |= 1 << at
		c.hasScan = c.hasScan || h.first == 0
		h.components[i] = scanComponent{dc: selected >> 4, ac: selected & 15, blocks: c.h * c.v}
		blocks += c.h * c.v
		h.mcusPerRow, h.rows = f.componentBlocks(c)
	}
	if h.count == 1 {
		h.components[0].blocks = 1 // T.81, A.2.2: an MCU of one component is a block
		return h, nil
	}
	if blocks > maxBlocksPerMCU {
		return h, s.refuse(Damaged, "%d blocks in an MCU, more than %d", blocks, maxBlocksPerMCU)
	}
	h.mcusPerRow, h.rows = ceilDiv(f.width, 8*f.hMax), ceilDiv(f.height, 8*f.vMax)
	return h, nil
}

// readSpectralSelection reads the last three bytes of a scan header into h. In a sequential picture it ignores them, as decoders do: some
// cameras write wrong values there.
func (s *parser) readSpectralSelection(h *scanHeader, b []byte) error {
	if !s.frame.progressive {
		return nil
	}
	h.first, h.last = int(b[0]), int(b[1])
	high, low := b[2]>>4, b[2]&15
	h.progressive, h.isRefinement = true, high != 0
	switch { // T.81, G.1.1.1
	case h.first == 0 && h.last != 0, h.first > h.last, h.last > 63, h.first > 0 && h.count != 1,
		h.isRefinement && high != low+1, low > 13:
		return s.refuse(Damaged, "progressive scan % x", b)
	}
	return nil
}

// componentBlocks returns a component's size in blocks in a scan of its own (T.81, A.1.1 and A.2.2).
func (f *frameHeader) componentBlocks(c *component) (across, down int) {
	return ceilDiv(ceilDiv(f.width*c.h, f.hMax), 8), ceilDiv(ceilDiv(f.height*c.v, f.vMax), 8)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// checkScanLength returns an error if a scan of size bytes is too short for its blocks, or has a wrong number of restart markers.
//
// A Huffman code has at least one bit (T.81, B.2.4.2). A block therefore takes at least two bits in a sequential scan (a code for DC and
// one for AC: F.1.2), and one in a progressive scan of DC coefficients (G.1.2.1). For a progressive scan of AC coefficients there is no
// such bound, since one code can end 32767 blocks.
func (s *parser) checkScanLength(h *scanHeader, size, restarts int) error {
	bits := 2
	switch {
	case h.first > 0:
		bits = 0
	case h.progressive:
		bits = 1
	}
	mcus, blocks := h.mcuCount()-h.maxMissingMCUs(), 0
	for _, p := range h.all() {
		blocks += p.blocks * mcus
	}
	if size < bits*blocks/8 {
		return s.refuse(Damaged, "scan of %d bytes for %d blocks", size, blocks)
	}
	minRestarts, maxRestarts := 0, 0
	if s.restartInterval > 0 {
		minRestarts, maxRestarts = ceilDiv(mcus, s.restartInterval)-1, ceilDiv(h.mcuCount(), s.restartInterval)-1
	}
	if restarts < minRestarts || restarts > maxRestarts+1 { // some encoders put a marker after the last interval, too
		return s.refuse(Damaged, "%d restart markers, must be %d", restarts, maxRestarts)
	}
	return nil
}
