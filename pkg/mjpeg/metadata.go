package mjpeg

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// mostMetadata is how many bytes of metadata pass as they are: application segments, comments and fill bytes. It is a segment's
// largest size. An Exif block is one segment (Exif 2.3, section 4.7.2), thumbnail included, so that what cameras write stays
// below it, and the picture needs no copy.
const mostMetadata = 64 << 10

// mostProfile is the largest ICC profile that stays where metadata is left out. Those of common colour spaces have 0.5 to 4 KB.
const mostProfile = 16 << 10

var (
	exifName    = []byte("Exif\x00\x00")
	jfifName    = []byte("JFIF\x00")
	adobeName   = []byte("Adobe")
	profileName = []byte("ICC_PROFILE\x00")
)

// metadata counts a picture's metadata.
type metadata struct {
	size    int // bytes, in all
	profile int // bytes, of an ICC profile
	exif    []byte
}

// isMetadata reports whether a segment is an application segment or a comment. Decoders need a few of them: output.metadata.
func isMetadata(m byte) bool { return markAPP0 <= m && m <= markAPP15 || m == markCOM }

// note counts a segment. whole is the segment with its marker.
func (d *metadata) note(m byte, body, whole []byte) {
	d.size += len(whole)
	switch {
	case m == markAPP1 && d.exif == nil && bytes.HasPrefix(body, exifName):
		d.exif = whole
	case m == markAPP2 && bytes.HasPrefix(body, profileName):
		d.profile += len(whole)
	}
}

// output is a copy of a picture without its metadata. The methods of a nil output do nothing.
type output struct {
	b       []byte
	profile bool // keep the ICC profile

	jfif, adobe, exif bool // the first one was seen
	exifAt, exifEnd   int
}

func (o *output) add(b ...byte) {
	if o != nil {
		o.b = append(o.b, b...)
	}
}

// metadata adds as much of a segment of metadata as decoders need: how the colours are coded (JFIF, Adobe), what they
// mean (ICC), and how the picture is turned (Exif).
func (o *output) metadata(m byte, body, whole []byte) {
	if o == nil {
		return
	}
	isExif := m == markAPP1 && !o.exif && bytes.HasPrefix(body, exifName)
	if isExif {
		o.exif, o.exifAt = true, len(o.b)
	}
	switch {
	case m == markAPP2 && o.profile && bytes.HasPrefix(body, profileName):
		o.add(whole...)
	case m == markAPP0 && !o.jfif && len(body) >= 14 && bytes.HasPrefix(body, jfifName):
		o.jfif = true
		o.segment(m, append(slices.Clone(body[:12]), 0, 0)) // no thumbnail
	case m == markAPP14 && !o.adobe && len(body) >= 12 && bytes.HasPrefix(body, adobeName):
		o.adobe = true
		o.segment(m, body[:12])
	case isExif:
		if way := orientation(body); way > 1 {
			o.segment(m, exifWith(way))
		}
	}
	if isExif {
		o.exifEnd = len(o.b)
	}
}

func (o *output) segment(m byte, body []byte) {
	o.add(0xFF, m)
	o.b = binary.BigEndian.AppendUint16(o.b, uint16(len(body)+2))
	o.add(body...)
}

// exifSegment returns the Exif segment of the copy, nil if it has none.
func (o *output) exifSegment() []byte {
	if o.exifAt == o.exifEnd {
		return nil
	}
	return o.b[o.exifAt:o.exifEnd:o.exifEnd]
}

const tagOrientation = 0x0112

// orientation reads how a picture is to be turned from an Exif segment's body: 1 to 8 (Exif 2.3, section 4.6.4), 1 if it does
// not say. It is in the first directory of a TIFF file.
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
			if way := order.Uint16(entries[8:]); 1 < way && way <= 8 {
				return way
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// exifWith is the body of an Exif segment that says how to turn the picture, and nothing else.
func exifWith(orientation uint16) []byte {
	b := append(slices.Clone(exifName), "MM\x00\x2a\x00\x00\x00\x08\x00\x01"...)
	b = binary.BigEndian.AppendUint16(b, tagOrientation)
	b = append(b, 0, 3, 0, 0, 0, 1) // one unsigned 16-bit number
	b = binary.BigEndian.AppendUint16(b, orientation)
	return append(b, 0, 0, 0, 0, 0, 0) // the rest of the value, and no other directory
}
