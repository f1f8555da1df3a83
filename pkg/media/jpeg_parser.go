package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Markers of ITU-T T.81, table B.1.
const (
	markSOF0  = 0xC0 // baseline
	markSOF2  = 0xC2 // progressive
	markDHT   = 0xC4
	markRST0  = 0xD0
	markRST7  = 0xD7
	markSOI   = 0xD8
	markEOI   = 0xD9
	markSOS   = 0xDA
	markDQT   = 0xDB
	markDRI   = 0xDD
	markDHP   = 0xDE
	markEXP   = 0xDF
	markAPP0  = 0xE0
	markAPP1  = 0xE1
	markAPP2  = 0xE2
	markAPP14 = 0xEE
	markAPP15 = 0xEF
	markJPG0  = 0xF0
	markJPG13 = 0xFD
	markCOM   = 0xFE
	markTEM   = 0x01
)

// parser reads the segments of a JPEG and checks them. If decode is true, it decodes the scans. If stripped is set, it copies the
// picture there without its metadata.
type parser struct {
	b      []byte
	pos    int
	limits Limits
	decode bool // decode the entropy-coded data too

	frame           frameHeader
	tables          tables
	restartInterval int // MCUs between restart markers, 0 without
	firstScan       int // offset of the first scan header, 0 before it
	scans           int

	metadata       metadata
	insertedTables []byte        // a segment of Huffman tables that the first scan needs before it; nil if none is missing
	stripped       *strippedCopy // gets a copy of the picture without its metadata; nil for no copy
}

// refuse returns a *RefusedError at the present position.
func (s *parser) refuse(cause, format string, args ...any) error {
	return &RefusedError{cause, s.pos, fmt.Sprintf(format, args...)}
}

// run reads the picture up to its end marker. pos is then behind that marker.
func (s *parser) run() error {
	for {
		begin := s.pos
		m, err := s.readMarker()
		switch {
		case err != nil:
			return err
		case m == markEOI:
			s.stripped.add(0xFF, markEOI)
			return s.checkComplete()
		case m == markTEM || isRestart(m):
			s.metadata.size += s.pos - begin
			continue // these markers have no segment, and no meaning here
		case m == markSOI || m == 0:
			return s.refuse(Damaged, "marker ff %02x between segments", m)
		}
		fill := s.pos - begin - 2
		s.metadata.size += fill
		body, err := s.readSegment()
		if err != nil {
			return err
		}
		if isMetadata(m) {
			whole := s.b[begin+fill : s.pos : s.pos]
			s.metadata.add(m, body, whole)
			s.stripped.addMetadata(m, body, whole)
			continue
		}
		if err := s.checkSegment(m, body); err != nil {
			return err
		}
		s.stripped.add(s.b[begin+fill : s.pos]...)
	}
}

// checkComplete checks at the end marker that every component had a scan.
func (s *parser) checkComplete() error {
	if s.firstScan == 0 {
		return s.refuse(Damaged, "end marker before any scan")
	}
	for _, c := range s.frame.all() {
		if !c.hasScan {
			return s.refuse(Damaged, "no scan of component %d", c.id)
		}
	}
	return nil
}

func isRestart(m byte) bool { return markRST0 <= m && m <= markRST7 }

// readMarker reads FF, any fill bytes and the marker's code.
func (s *parser) readMarker() (byte, error) {
	if s.pos < len(s.b) && s.b[s.pos] != 0xFF {
		return 0, s.refuse(Damaged, "%02x where a marker should be", s.b[s.pos])
	}
	for s.pos < len(s.b) && s.b[s.pos] == 0xFF {
		s.pos++
	}
	if s.pos >= len(s.b) {
		return 0, s.refuse(Truncated, "no end marker")
	}
	s.pos++
	return s.b[s.pos-1], nil
}

// readSegment reads the length of a segment and returns the segment's body.
func (s *parser) readSegment() ([]byte, error) {
	if len(s.b)-s.pos < 2 {
		return nil, s.refuse(Truncated, "no segment length")
	}
	n := int(binary.BigEndian.Uint16(s.b[s.pos:]))
	if n < 2 {
		return nil, s.refuse(Damaged, "segment length %d", n)
	}
	if n > len(s.b)-s.pos {
		return nil, s.refuse(Truncated, "segment of %d bytes, %d left", n, len(s.b)-s.pos)
	}
	body := s.b[s.pos+2 : s.pos+n]
	s.pos += n
	return body, nil
}

// checkSegment checks a segment that is not metadata. After a scan header, it also reads the entropy-coded data.
func (s *parser) checkSegment(m byte, body []byte) error {
	switch {
	case m == markDHT:
		return s.readHuffmanTables(body)
	case m == markDQT:
		return s.readQuantTables(body)
	case m == markDRI:
		if len(body) != 2 {
			return s.refuse(Damaged, "restart interval of %d bytes", len(body))
		}
		s.restartInterval = int(binary.BigEndian.Uint16(body))
	case markSOF0 <= m && m <= markSOF2:
		return s.readFrameHeader(m, body)
	case m == markSOS:
		return s.readScan(body)
	case m < markSOF0:
		return s.refuse(Damaged, "reserved marker ff %02x", m)
	case m <= 0xCF || m == markDHP || m == markEXP || markJPG0 <= m && m <= markJPG13: // SOF3 to SOF15, JPG, DAC too
		return s.refuse(Unsupported, "coding process ff %02x", m)
	}
	return nil
}

// maxScans is the limit of Chromium. Each scan of a progressive picture costs time in proportion to the number of pixels. Encoders make
// about ten scans.
const maxScans = 100

// readScan reads a scan header, and skips the entropy-coded data behind it or, if s.decode is true, decodes it.
func (s *parser) readScan(body []byte) error {
	if s.scans++; s.scans > maxScans {
		return s.refuse(Unsupported, "more than %d scans", maxScans)
	}
	h, err := s.readScanHeader(body)
	if err != nil {
		return err
	}
	if s.firstScan == 0 {
		s.firstScan = s.pos - len(body) - 4
		s.insertStandardTables(&h)
	}
	if !s.tables.hasTablesFor(&h) {
		return s.refuse(Damaged, "scan without its Huffman tables")
	}
	begin := s.pos
	restarts, err := s.skipEntropyData()
	if err != nil {
		return err
	}
	if s.pos == begin {
		return s.refuse(Damaged, "empty scan")
	}
	if err := s.checkScanLength(&h, s.pos-begin, restarts); err != nil {
		return err
	}
	if s.decode {
		return s.decodeScan(&h, s.b[begin:s.pos])
	}
	return nil
}

// skipEntropyData skips everything up to a byte FF that is followed by neither 00 nor a restart marker. It returns the number of restart
// markers.
func (s *parser) skipEntropyData() (restarts int, err error) {
	for {
		i := bytes.IndexByte(s.b[s.pos:], 0xFF)
		if i < 0 || s.pos+i+1 >= len(s.b) {
			s.pos = len(s.b)
			return 0, s.refuse(Truncated, "no end marker")
		}
		s.pos += i
		switch m := s.b[s.pos+1]; {
		case m == 0xFF: // a fill byte; a restart marker may follow
			s.pos++
		case m == 0:
			s.pos += 2
		case !isRestart(m):
			return restarts, nil
		case int(m-markRST0) != restarts%8: // T.81, B.2.1: they count from 0 to 7 and start over
			return 0, s.refuse(Damaged, "restart marker %d after %d others", m-markRST0, restarts)
		default:
			restarts++
			s.pos += 2
		}
	}
}
