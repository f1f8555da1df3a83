package mjpeg

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
)

// Causes lists every cause of refusal.
var Causes = []string{NotJPEG, Truncated, Damaged, Unsupported, TooLarge}

// RefusedError says why and where bytes are not a picture that can be shown.
type RefusedError struct {
	Cause  string // one of Causes
	Offset int    // where in the input, in bytes
	What   string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("jpeg %s at byte %d: %s", e.Cause, e.Offset, e.What)
}

// Limits bound a picture. A zero field is that of DefaultLimits.
type Limits struct {
	Bytes  int
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

// Normalize checks that b holds a whole picture within limits and returns it without what follows its end marker (V4L2 buffers are
// padded), with the standard Huffman tables put in where a camera omits them (UVC MJPEG, AVI1). The result aliases b
// unless tables were inserted. It does not decode: errors inside the entropy-coded data that leave the structure whole
// pass. Its error is always a *RefusedError.
func Normalize(b []byte, limits Limits) (Picture, error) {
	if len(b) < 2 || b[0] != 0xFF || b[1] != markSOI {
		return Picture{}, &RefusedError{NotJPEG, 0, fmt.Sprintf("begins with % x, want ff d8", b[:min(len(b), 4)])}
	}
	s := scanner{b: b, pos: 2, limits: limits.OrDefault()}
	if err := s.run(); err != nil {
		return Picture{}, err
	}
	p := Picture{JPEG: b[:s.pos:s.pos], Width: s.width, Height: s.height, Exif: s.exif}
	if !s.huffman {
		p.JPEG = bytes.Join([][]byte{b[:s.firstScan], standardHuffman, b[s.firstScan:s.pos]}, nil)
	}
	if len(p.JPEG) > s.limits.Bytes {
		return Picture{}, &RefusedError{TooLarge, 0, fmt.Sprintf("%d bytes, %d are allowed", len(p.JPEG), s.limits.Bytes)}
	}
	return p, nil
}
