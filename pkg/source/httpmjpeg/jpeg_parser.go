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

// jpegParser reads one picture. Its methods "take" bytes: they read them and append them to jpeg.
type jpegParser struct {
	*Reader
	jpeg []byte
	size int64 // of the picture so far, in bytes; may be more than jpeg has
}

// parse takes everything behind the start marker up to the end marker. The error is that of the body, errDamaged, errTruncated or
// errTooLarge.
func (j *jpegParser) parse() error {
	scans := 0
	c, err := j.readMarker()
	for err == nil {
		switch {
		case c == markEOI && scans > 0 && j.isTooLarge():
			return errTooLarge
		case c == markEOI && scans > 0:
			return nil
		case c == markSOI:
			j.startFound, j.startedAt = true, j.arrivedAt // the next one begins here
			return errTruncated
		case c == 0 || c == markEOI:
			return errDamaged
		case c == markTEM || markRST0 <= c && c <= markRST7: // they stand alone
			c, err = j.readMarker()
		case c == markSOS:
			scans++
			if err = j.readSegment(); err == nil {
				c, err = j.readScan()
			}
		default:
			if err = j.readSegment(); err == nil {
				c, err = j.readMarker()
			}
		}
	}
	return err
}

// readMarker takes a marker and returns its code.
func (j *jpegParser) readMarker() (byte, error) {
	c, err := j.peekByte()
	switch {
	case err != nil:
		return 0, err
	case c != markPrefix:
		return 0, errDamaged
	}
	j.r++
	return j.readMarkerCode()
}

// readMarkerCode takes the rest of a marker: its code, and any fill bytes before it.
func (j *jpegParser) readMarkerCode() (byte, error) {
	for {
		c, err := j.readByte()
		if err != nil {
			return 0, err
		}
		j.appendBytes(markPrefix)
		if c != markPrefix {
			j.appendBytes(c)
			return c, nil
		}
	}
}

// readSegment takes a segment: two bytes of length, which counts them, and its body.
func (j *jpegParser) readSegment() error {
	high, err := j.readByte()
	if err != nil {
		return err
	}
	low, err := j.readByte()
	if err != nil {
		return err
	}
	n := int(high)<<8 | int(low)
	if n < 2 {
		return errDamaged
	}
	j.appendBytes(high, low)
	for n -= 2; n > 0 && err == nil; {
		if err = j.fill(); err == nil {
			piece := j.buf[j.r:min(j.w, j.r+n)]
			j.r, n = j.r+len(piece), n-len(piece)
			j.appendBytes(piece...)
		}
	}
	return err
}

// readScan takes entropy-coded data and returns the code of the marker that ends it.
func (j *jpegParser) readScan() (byte, error) {
	for {
		if err := j.fill(); err != nil {
			return 0, err
		}
		piece := j.buf[j.r:j.w]
		end := bytes.IndexByte(piece, markPrefix)
		if end < 0 {
			j.r = j.w
			j.appendBytes(piece...)
			continue
		}
		j.r += end + 1
		j.appendBytes(piece[:end]...)
		if c, err := j.readMarkerCode(); err != nil || c != 0 && (c < markRST0 || c > markRST7) {
			return c, err
		}
	}
}

// appendBytes appends bytes to the picture. Once the picture exceeds the limit, it only counts them: the picture must still be
// read to its end, to find the next one.
func (j *jpegParser) appendBytes(b ...byte) {
	if j.size += int64(len(b)); !j.isTooLarge() {
		j.jpeg = append(j.jpeg, b...)
	}
}

func (j *jpegParser) isTooLarge() bool { return j.size > int64(j.options.MaxBytes) }
