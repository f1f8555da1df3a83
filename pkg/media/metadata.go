package media

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// maxMetadata bounds the metadata of a picture that is forwarded without a copy, in bytes of application segments, comments and
// fill bytes. It is the largest size of a segment. An Exif block is one segment, thumbnail included (Exif 2.3, section 4.7.2), so
// the metadata of cameras is smaller.
const maxMetadata = 64 << 10

// maxProfile is the largest ICC profile that a stripped copy keeps. Profiles of common colour spaces have 0.5 to 4 KB.
const maxProfile = 16 << 10

var (
	exifName    = []byte("Exif\x00\x00")
	jfifName    = []byte("JFIF\x00")
	adobeName   = []byte("Adobe")
	profileName = []byte("ICC_PROFILE\x00")
)

// metadata counts the metadata of a picture.
type metadata struct {
	size    int    // bytes of all metadata
	profile int    // bytes of the ICC profile
	exif    []byte // the first Exif segment, nil if there is none
}

// isMetadata reports whether a segment is an application segment or a comment. Decoders need a few of them, see
// strippedCopy.addMetadata.
func isMetadata(m byte) bool { return markAPP0 <= m && m <= markAPP15 || m == markCOM }

// add counts a segment of metadata with the marker m. whole is the segment with its marker.
func (d *metadata) add(m byte, body, whole []byte) {
	d.size += len(whole)
	switch {
	case m == markAPP1 && d.exif == nil && bytes.HasPrefix(body, exifName):
		d.exif = whole
	case m == markAPP2 && bytes.HasPrefix(body, profileName):
		d.profile += len(whole)
	}
}

// strippedCopy is a copy of a picture without its metadata. On a nil copy, add and addMetadata do nothing.
type strippedCopy struct {
	b           []byte
	keepProfile bool // keep the ICC profile

	hasJFIF, hasAdobe, hasExif bool // the picture's first such segment was seen
	exifStart, exifEnd         int  // where the copy's Exif segment is in b
}

func (s *strippedCopy) add(b ...byte) {
	if s != nil {
		s.b = append(s.b, b...)
	}
}

// addMetadata adds what decoders need of a segment of metadata: the colour coding (JFIF, Adobe), the colour space (ICC) and the
// orientation (Exif).
func (s *strippedCopy) addMetadata(m byte, body, whole []byte) {
	if s == nil {
		return
	}
	isExif := m == markAPP1 && !s.hasExif && bytes.HasPrefix(body, exifName)
	if isExif {
		s.hasExif, s.exifStart = true, len(s.b)
	}
	switch {
	case m == markAPP2 && s.keepProfile && bytes.HasPrefix(body, profileName):
		s.add(whole...)
	case m == markAPP0 && !s.hasJFIF && len(body) >= 14 && bytes.HasPrefix(body, jfifName):
		s.hasJFIF = true
		s.addSegment(m, append(slices.Clone(body[:12]), 0, 0)) // no thumbnail
	case m == markAPP14 && !s.hasAdobe && len(body) >= 12 && bytes.HasPrefix(body, adobeName):
		s.hasAdobe = true
		s.addSegment(m, body[:12])
	case isExif:
		if value := orientation(body); value > 1 {
			s.addSegment(m, exifWithOrientation(value))
		}
	}
	if isExif {
		s.exifEnd = len(s.b)
	}
}

func (s *strippedCopy) addSegment(m byte, body []byte) {
	s.add(0xFF, m)
	s.b = binary.BigEndian.AppendUint16(s.b, uint16(len(body)+2))
	s.add(body...)
}

// exifSegment returns the Exif segment of the copy, or nil if it has none.
func (s *strippedCopy) exifSegment() []byte {
	if s.exifStart == s.exifEnd {
		return nil
	}
	return s.b[s.exifStart:s.exifEnd:s.exifEnd]
}

const tagOrientation = 0x0112

// orientation returns the orientation in the body of an Exif segment: 1 to 8 (Exif 2.3, section 4.6.4), or 1 if it has none. It is in the
// first directory of a TIFF file.
func orientation(body []byte) uint16 {
	tiff := body[len(exifName):]
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(tiff[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at > int64(len(tiff)-2) {
		return 1
	}
	entries := tiff[at+2:]
	for range min(int(order.Uint16(tiff[at:])), len(entries)/12) {
		if order.Uint16(entries) == tagOrientation {
			if value := order.Uint16(entries[8:]); 1 < value && value <= 8 {
				return value
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// exifWithOrientation returns the body of an Exif segment that has only an orientation.
func exifWithOrientation(orientation uint16) []byte {
	b := append(slices.Clone(exifName), "MM\x00\x2a\x00\x00\x00\x08\x00\x01"...)
	b = binary.BigEndian.AppendUint16(b, tagOrientation)
	b = append(b, 0, 3, 0, 0, 0, 1) // one unsigned 16-bit number
	b = binary.BigEndian.AppendUint16(b, orientation)
	return append(b, 0, 0, 0, 0, 0, 0) // the rest of the value, and the end of the directories
}
