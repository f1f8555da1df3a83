package media

import (
	"bytes"
	"cmp"
	"fmt"
)

// Causes for which Normalize refuses a picture: a fixed set, fit for a metric's label.
const (
	NotJPEG     = "not_jpeg"    // does not begin as a JPEG does
	Truncated   = "truncated"   // ends before its end marker
	Damaged     = "damaged"     // its structure contradicts itself
	Unsupported = "unsupported" // a JPEG that browsers do not decode: lossless, arithmetic, hierarchical, 12-bit
	TooLarge    = "too_large"   // more bytes or pixels than the limits allow
	Unchecked   = "unchecked"   // left out without being decoded, since an earlier picture of the source was damaged
)

// Causes lists every cause of refusal.
var Causes = []string{NotJPEG, Truncated, Damaged, Unsupported, TooLarge, Unchecked}

// RefusedError says why and where bytes are not a picture that can be shown.
type RefusedError struct {
	Cause  string // one of Causes
	Offset int    // where in the input, in bytes
	Detail string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("jpeg %s at byte %d: %s", e.Cause, e.Offset, e.Detail)
}

// Limits bound a picture. A zero field is that of DefaultLimits.
type Limits struct {
	Bytes  int // of the picture as it is forwarded, without the metadata that is left out
	Pixels int // width times height
}

// DefaultLimits are 8 MiB and 8192x8192 pixels.
var DefaultLimits = Limits{Bytes: 8 << 20, Pixels: 8192 * 8192}

// OrDefault returns the limits with those of DefaultLimits for zero fields.
func (l Limits) OrDefault() Limits {
	return Limits{cmp.Or(l.Bytes, DefaultLimits.Bytes), cmp.Or(l.Pixels, DefaultLimits.Pixels)}
}

// Picture is a JPEG that every browser decodes.
type Picture struct {
	JPEG          []byte
	Width, Height int    // pixels, as they are stored
	Exif          []byte // the segment, whole, that may say to turn it before it is shown; nil without
}

// Normalize checks that b holds a whole picture within limits and returns it in the form in which it is forwarded:
//   - without what follows its end marker, since V4L2 buffers are padded;
//   - with the standard Huffman tables put in where a camera omits them (UVC MJPEG, AVI1);
//   - without its metadata if that is more than 64 KiB. The colour coding, a small ICC profile and the orientation stay.
//
// The result aliases b unless something was put in or left out. Normalize does not decode: damage inside the entropy-coded
// data that leaves the structure whole passes, see [Verify]. Its error is always a *RefusedError.
func Normalize(b []byte, limits Limits) (Picture, error) {
	s, err := scan(b, limits, false)
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

func (s *scanner) tooLargeError(size int) error {
	return &RefusedError{TooLarge, 0, fmt.Sprintf("%d bytes to forward, %d are allowed", size, s.limits.Bytes)}
}

func scan(b []byte, limits Limits, decode bool) (scanner, error) {
	if len(b) < 2 || b[0] != 0xFF || b[1] != markSOI {
		return scanner{}, &RefusedError{NotJPEG, 0, fmt.Sprintf("begins with % x, want ff d8", b[:min(len(b), 4)])}
	}
	s := scanner{b: b, pos: 2, limits: limits.OrDefault(), decode: decode}
	err := s.run()
	return s, err
}

// withoutMetadata copies a picture without its metadata, and returns the copy and its Exif segment. size is that of the picture
// without any metadata.
func (s *scanner) withoutMetadata(size int) (jpeg, exif []byte, err error) {
	out := &strippedCopy{b: make([]byte, 0, size+maxProfile+256), keepProfile: s.metadata.profile <= maxProfile}
	out.add(0xFF, markSOI)
	second := scanner{b: s.b, pos: 2, limits: s.limits, stripped: out}
	if err := second.run(); err != nil {
		return nil, nil, err
	}
	return out.b[:len(out.b):len(out.b)], out.exifSegment(), nil
}
