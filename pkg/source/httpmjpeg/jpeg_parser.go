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
func (p *jpegParser) parse() error {
	scans := 0
	c, err := p.readMarker()
	for err == nil {
		switch {
		case c == markEOI && scans > 0 && p.isTooLarge():
			return errTooLarge
		case c == markEOI && scans > 0:
			return nil
		case c == markSOI:
			p.startFound, p.startedAt = true, p.arrivedAt // the next one begins here
			return errTruncated
		case c == 0 || c == markEOI:
			return errDamaged
		case c == markTEM || markRST0 <= c && c <= markRST7: // they stand alone
			c, err = p.readMarker()
		case c == markSOS:
			scans++
			if err = p.readSegment(); err == nil {
				c, err = p.readScan()
			}
		default:
			if err = p.readSegment(); err == nil {
				c, err = p.readMarker()
			}
		}
	}
	return err
}

// readMarker takes a marker and returns its code.
func (p *jpegParser) readMarker() (byte, error) {
	c, err := p.peekByte()
	switch {
	case err != nil:
		return 0, err
	case c != markPrefix:
		return 0, errDamaged
	}
	p.r++
	return p.readMarkerCode()
}

// readMarkerCode takes the rest of a marker: its code, and any fill bytes before it.
func (p *jpegParser) readMarkerCode() (byte, error) {
	for {
		c, err := p.readByte()
		if err != nil {
			return 0, err
		}
		p.appendBytes(markPrefix)
		if c != markPrefix {
			p.appendBytes(c)
			return c, nil
		}
	}
}

// readSegment takes a segment: two bytes of length, which counts them, and its body.
func (p *jpegParser) readSegment() error {
	high, err := p.readByte()
	if err != nil {
		return err
	}
	low, err := p.readByte()
	if err != nil {
		return err
	}
	n := int(high)<<8 | int(low)
	if n < 2 {
		return errDamaged
	}
	p.appendBytes(high, low)
	for n -= 2; n > 0 && err == nil; {
		if err = p.fill(); err == nil {
			piece := p.buf[p.r:min(p.w, p.r+n)]
			p.r, n = p.r+len(piece), n-len(piece)
			p.appendBytes(piece...)
		}
	}
	return err
}

// readScan takes entropy-coded data and returns the code of the marker that ends it.
func (p *jpegParser) readScan() (byte, error) {
	for {
		if err := p.fill(); err != nil {
			return 0, err
		}
		piece := p.buf[p.r:p.w]
		end := bytes.IndexByte(piece, markPrefix)
		if end < 0 {
			p.r = p.w
			p.appendBytes(piece...)
			continue
		}
		p.r += end + 1
		p.appendBytes(piece[:end]...)
		if c, err := p.readMarkerCode(); err != nil || c != 0 && (c < markRST0 || c > markRST7) {
			return c, err
		}
	}
}

// appendBytes appends bytes to the picture. Once the picture exceeds the limit, it only counts them: the picture must still be
// read to its end, to find the next one.
func (p *jpegParser) appendBytes(b ...byte) {
	if p.size += int64(len(b)); !p.isTooLarge() {
		p.jpeg = append(p.jpeg, b...)
	}
}

func (p *jpegParser) isTooLarge() bool { return p.size > int64(p.options.MaxBytes) }
