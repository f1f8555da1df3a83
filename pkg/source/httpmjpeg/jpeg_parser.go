package httpmjpeg

import (
	"bytes"
	"errors"
	"fmt"
)

// Markers of ITU-T T.81, table B.1.
const (
	markPrefix = 0xFF
	markTEM    = 0x01
	markRST0   = 0xD0
	markRST7   = 0xD7
	markSOI    = 0xD8
	markEOI    = 0xD9
	markSOS    = 0xDA
)

var (
	// errDamaged is a picture that does not follow the structure.
	errDamaged = errors.New("damaged picture")
	// errTruncated is a picture in whose middle another one begins.
	errTruncated = fmt.Errorf("%w: cut off", errDamaged)
	// errTooLarge is a complete picture of more bytes than the limit.
	errTooLarge = fmt.Errorf("%w: too large", errDamaged)
)

// parse takes everything of a picture behind its start marker, up to the end marker. Taken bytes are part of the picture. The error is that
// of the body, errDamaged, errTruncated or errTooLarge.
func (r *Reader) parse() error {
	scans := 0
	c, err := r.readMarker()
	for err == nil {
		switch {
		case c == markEOI && scans > 0 && r.isTooLarge():
			return errTooLarge
		case c == markEOI && scans > 0:
			return nil
		case c == markSOI:
			r.startFound, r.startedAt = true, r.arrivedAt // the next one begins here
			return errTruncated
		case c == 0 || c == markEOI:
			return errDamaged
		case c == markTEM || markRST0 <= c && c <= markRST7: // they stand alone
			c, err = r.readMarker()
		case c == markSOS:
			scans++
			if err = r.readSegment(); err == nil {
				c, err = r.readScan()
			}
		default:
			if err = r.readSegment(); err == nil {
				c, err = r.readMarker()
			}
		}
	}
	return err
}

// readMarker takes a marker and returns its code.
func (r *Reader) readMarker() (byte, error) {
	c, err := r.peekByte()
	switch {
	case err != nil:
		return 0, err
	case c != markPrefix:
		return 0, errDamaged
	}
	r.r++
	return r.readMarkerCode()
}

// readMarkerCode takes the rest of a marker: its code, and any fill bytes before it.
func (r *Reader) readMarkerCode() (byte, error) {
	for {
		if c, err := r.readByte(); err != nil || c != markPrefix {
			return c, err
		}
	}
}

// readSegment takes a segment: two bytes of length, which counts them, and its body.
func (r *Reader) readSegment() error {
	high, err := r.readByte()
	if err != nil {
		return err
	}
	low, err := r.readByte()
	if err != nil {
		return err
	}
	n := int(high)<<8 | int(low)
	if n < 2 {
		return errDamaged
	}
	for n -= 2; n > 0 && err == nil; {
		if err = r.fill(); err == nil {
			piece := min(r.w-r.r, n)
			r.r, n = r.r+piece, n-piece
		}
	}
	return err
}

// readScan takes entropy-coded data and returns the code of the marker that ends it.
func (r *Reader) readScan() (byte, error) {
	for {
		if err := r.fill(); err != nil {
			return 0, err
		}
		r.skipToAnnouncedEnd()
		if !r.skipScanData() {
			continue
		}
		if c, err := r.readMarkerCode(); err != nil || c != 0 && (c < markRST0 || c > markRST7) {
			return c, err
		}
	}
}

// skipToAnnouncedEnd takes entropy-coded data up to the end marker, if the picture was read to its end, and that is where the server has
// announced it. Searching the data for markers would take a third of the time for a picture.
func (r *Reader) skipToAnnouncedEnd() {
	n := r.missing()
	if n >= len(endMarker) && n <= r.w-r.r && string(r.bytes[r.r+n-len(endMarker):r.r+n]) == endMarker {
		r.r += n - len(endMarker)
	}
}

// endMarker ends a picture. Entropy-coded data cannot contain it (ITU-T T.81, section B.1.1.5).
const endMarker = "\xff\xd9"

// skipScanData takes entropy-coded data and the byte FF behind it. It returns false if it has taken everything that was read. It also takes
// stuffed bytes FF 00: a picture has hundreds of them.
func (r *Reader) skipScanData() (found bool) {
	data := r.bytes[r.r:r.w]
	for {
		at := bytes.IndexByte(data, markPrefix)
		if at < 0 {
			r.r = r.w
			return false
		}
		data = data[at+1:]
		if len(data) == 0 || data[0] != 0 {
			r.r = r.w - len(data)
			return true
		}
	}
}
