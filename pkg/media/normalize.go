package media

import (
	"bytes"
	"cmp"
	"fmt"
)

// Causes for which pictures are refused. The set is fixed, because a cause is a label of a metric.
const (
	NotJPEG     = "not_jpeg"    // does not begin with the start marker of a JPEG
	Truncated   = "truncated"   // has no end marker
	Damaged     = "damaged"     // has an invalid structure or, for Verify, invalid data
	Unsupported = "unsupported" // is a JPEG that browsers do not decode: lossless, arithmetic, hierarchical, 12-bit
	TooLarge    = "too_large"   // has more bytes or pixels than the limits allow
	Unchecked   = "unchecked"   // was left out without a check, because an earlier picture of the source was damaged; only camd-capture uses it
)

// Causes for which frames of H.264 and H.265 are refused, beside Damaged and TooLarge.
const (
	Lost       = "lost"        // a packet of it, or of a frame that it refers to, was lost
	NoKeyframe = "no_keyframe" // came before the first keyframe
)

// JPEGCauses lists the causes for JPEGs.
var JPEGCauses = []string{NotJPEG, Truncated, Damaged, Unsupported, TooLarge, Unchecked}

// Causes lists all causes.
var Causes = append([]string{Lost, NoKeyframe}, JPEGCauses...)

// RefusedError says why a picture is refused, and where in its bytes the reason is.
type RefusedError struct {
	Cause  string // one of Causes
	Offset int    // in the input, in bytes
	Detail string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("jpeg %s at byte %d: %s", e.Cause, e.Offset, e.Detail)
}

// Limits bound the size of a picture. For a zero field, the one of DefaultLimits applies.
type Limits struct {
	Bytes  int // of the picture that is forwarded, without the metadata that Normalize leaves out
	Pixels int // width times height
}

// DefaultLimits are 8 MiB and 8192x8192 pixels.
var DefaultLimits = Limits{Bytes: 8 << 20, Pixels: 8192 * 8192}

// OrDefault returns the limits with the fields of DefaultLimits for zero fields.
func (l Limits) OrDefault() Limits {
	return Limits{cmp.Or(l.Bytes, DefaultLimits.Bytes), cmp.Or(l.Pixels, DefaultLimits.Pixels)}
}

// Picture is a JPEG that every browser decodes.
type Picture struct {
	JPEG          []byte
	Width, Height int    // in pixels, before the Exif orientation is applied
	Exif          []byte // the whole Exif segment, which may have an orientation; nil if there is none
}

// Normalize checks that b holds a complete picture within limits. It returns the picture as it is forwarded:
//   - without the bytes after its end marker, because V4L2 buffers are padded;
//   - with the standard Huffman tables if the camera leaves them out (UVC MJPEG, AVI1);
//   - without metadata if it has more than 64 KiB of it. The colour coding, a small ICC profile and the orientation stay.
//
// The result aliases b unless tables were inserted or metadata was left out. Normalize does not decode the entropy-coded data, so
// it does not find all damage there, see [Verify]. Its error is always a *RefusedError.
func Normalize(b []byte, limits Limits) (Picture, error) {
	s, err := parse(b, limits, false)
	if err != nil {
		return Picture{}, err
	}
	p := Picture{JPEG: b[:s.pos:s.pos], Width: s.frame.width, Height: s.frame.height, Exif: s.metadata.exif}
	strip, size := s.metadata.size > maxMetadata, s.pos+len(s.insertedTables)
	if strip {
		size -= s.metadata.size
	}
	if size > s.limits.Bytes {
		return Picture{}, s.tooLargeError(size)
	}
	switch {
	case strip:
		if p.JPEG, p.Exif, err = s.withoutMetadata(size); err != nil {
			return Picture{}, err
		}
	case s.insertedTables != nil:
		p.JPEG = bytes.Join([][]byte{b[:s.firstScan], s.insertedTables, b[s.firstScan:s.pos]}, nil)
	}
	if len(p.JPEG) > s.limits.Bytes {
		return Picture{}, s.tooLargeError(len(p.JPEG))
	}
	return p, nil
}

func (s *parser) tooLargeError(size int) error {
	return &RefusedError{TooLarge, 0, fmt.Sprintf("%d bytes are more than the limit of %d", size, s.limits.Bytes)}
}

// parse checks b and returns the scanner, whose fields describe the picture. If decode is true, it also decodes the scans.
func parse(b []byte, limits Limits, decode bool) (parser, error) {
	if len(b) < 2 || b[0] != 0xFF || b[1] != markSOI {
		return parser{}, &RefusedError{NotJPEG, 0, fmt.Sprintf("must begin with ff d8, begins with % x", b[:min(len(b), 4)])}
	}
	s := parser{b: b, pos: 2, limits: limits.OrDefault(), decode: decode}
	err := s.run()
	return s, err
}

// withoutMetadata returns a copy of the picture without its metadata, and the Exif segment of the copy. size is the size of the picture
// without any metadata.
func (s *parser) withoutMetadata(size int) (jpeg, exif []byte, err error) {
	out := &strippedCopy{b: make([]byte, 0, size+maxProfile+256), keepProfile: s.metadata.profile <= maxProfile}
	out.add(0xFF, markSOI)
	second := parser{b: s.b, pos: 2, limits: s.limits, stripped: out}
	if err := second.run(); err != nil {
		return nil, nil, err
	}
	return out.b[:len(out.b):len(out.b)], out.exifSegment(), nil
}
