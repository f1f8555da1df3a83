package mjpeg

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
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
	markDHP   = 0xDE
	markEXP   = 0xDF
	markAPP1  = 0xE1
	markJPG0  = 0xF0
	markJPG13 = 0xFD
	markTEM   = 0x01
)

// scanner walks a JPEG's segments.
type scanner struct {
	b             []byte
	pos           int
	limits        Limits
	width, height int // 0 until the frame header
	components    int
	firstScan     int  // offset of the first scan header, 0 until there
	huffman       bool // tables seen before the first scan
	quantised     bool
	exif          []byte // the whole segment, marker and all
}

func (s *scanner) refuse(cause, format string, args ...any) error {
	return &RefusedError{cause, s.pos, fmt.Sprintf(format, args...)}
}

// run leaves pos behind the end marker.
func (s *scanner) run() error {
	for {
		m, err := s.marker()
		switch {
		case err != nil:
			return err
		case m == markEOI && s.firstScan == 0:
			return s.refuse(Damaged, "end marker before any scan")
		case m == markEOI:
			return nil
		case m == markTEM || markRST0 <= m && m <= markRST7:
			continue // stand alone, and mean nothing here
		case m == markSOI || m == 0:
			return s.refuse(Damaged, "marker ff %02x between segments", m)
		}
		body, err := s.segment()
		if err != nil {
			return err
		}
		if err := s.read(m, body); err != nil {
			return err
		}
	}
}

// marker reads FF, any fill bytes and the marker's code.
func (s *scanner) marker() (byte, error) {
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

// segment reads a segment's length and returns its body.
func (s *scanner) segment() ([]byte, error) {
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

// read takes from a segment what Normalize needs; after a scan header it also passes the entropy-coded data.
func (s *scanner) read(m byte, body []byte) error {
	switch {
	case m == markDHT:
		s.huffman = s.huffman || s.firstScan == 0
	case m == markDQT:
		s.quantised = true
	case markSOF0 <= m && m <= markSOF2:
		return s.frameHeader(body)
	case m == markSOS:
		return s.scan(body)
	case m == markAPP1 && s.exif == nil && bytes.HasPrefix(body, []byte("Exif\x00\x00")):
		start := s.pos - len(body) - 4 // marker and length
		s.exif = s.b[start:s.pos:s.pos]
	case m < markSOF0:
		return s.refuse(Damaged, "reserved marker ff %02x", m)
	case m <= 0xCF || m == markDHP || m == markEXP || markJPG0 <= m && m <= markJPG13: // SOF3 to SOF15, JPG, DAC too
		return s.refuse(Unsupported, "coding process ff %02x", m)
	}
	return nil
}

// frameHeader reads SOF0 to SOF2 (T.81, B.2.2): precision, height, width, number of components, three bytes for each.
func (s *scanner) frameHeader(body []byte) error {
	if s.width != 0 {
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
	s.height, s.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	if s.width == 0 || s.height == 0 {
		return s.refuse(Unsupported, "size %dx%d", s.width, s.height)
	}
	if s.width*s.height > s.limits.Pixels {
		return s.refuse(TooLarge, "size %dx%d is more than %d pixels", s.width, s.height, s.limits.Pixels)
	}
	s.components = int(body[5])
	for c := range slices.Chunk(body[6:], 3) {
		if h, v := c[1]>>4, c[1]&15; h < 1 || h > 4 || v < 1 || v > 4 || c[2] > 3 {
			return s.refuse(Damaged, "component % x", c)
		}
	}
	return nil
}

// scan reads a scan header (T.81, B.2.3: number of components, two bytes for each, three more) and passes the
// entropy-coded data behind it: everything up to an FF that is followed by neither 00 nor a restart marker.
func (s *scanner) scan(header []byte) error {
	if s.width == 0 || !s.quantised {
		return s.refuse(Damaged, "scan before frame header and quantisation tables")
	}
	if n := len(header); n < 6 || n != 4+2*int(header[0]) || int(header[0]) > s.components {
		return s.refuse(Damaged, "scan header % x", header[:min(n, 12)])
	}
	if s.firstScan == 0 {
		s.firstScan = s.pos - len(header) - 4
	}
	begin := s.pos
	for {
		i := bytes.IndexByte(s.b[s.pos:], 0xFF)
		if i < 0 || s.pos+i+1 >= len(s.b) {
			s.pos = len(s.b)
			return s.refuse(Truncated, "no end marker")
		}
		s.pos += i
		switch m := s.b[s.pos+1]; {
		case m == 0xFF: // fill; the marker behind it may be a restart
			s.pos++
		case m == 0 || markRST0 <= m && m <= markRST7:
			s.pos += 2
		case s.pos == begin:
			return s.refuse(Damaged, "empty scan")
		default:
			return nil
		}
	}
}
