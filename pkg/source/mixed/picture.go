package mixed

import (
	"bytes"
	"errors"
	"fmt"
)

// Markers of ITU-T T.81, table B.1.
const (
	mark     = 0xFF
	markTEM  = 0x01
	markRST0 = 0xD0
	markRST7 = 0xD7
	markSOI  = 0xD8
	markEOI  = 0xD9
	markSOS  = 0xDA
)

var (
	// errDamaged is a picture that does not follow the structure.
	errDamaged = errors.New("damaged picture")
	// errCutOff is one in whose middle another begins.
	errCutOff = fmt.Errorf("%w: cut off", errDamaged)
	// errTooLarge is a whole one of more bytes than the limit.
	errTooLarge = fmt.Errorf("%w: too large", errDamaged)
)

// picture is a JPEG being read, byte for byte as it comes.
type picture struct {
	*Reader
	jpeg []byte
	size int64 // bytes so far; those beyond the limit are not in jpeg
}

// read takes everything behind the start marker up to the end marker.
func (p *picture) read() error {
	scans := 0
	c, err := p.marker()
	for err == nil {
		switch {
		case c == markEOI && scans > 0 && p.tooLarge():
			return errTooLarge
		case c == markEOI && scans > 0:
			return nil
		case c == markSOI:
			p.begun, p.began = true, p.arrived // the next one begins here
			return errCutOff
		case c == 0 || c == markEOI:
			return errDamaged
		case c == markTEM || markRST0 <= c && c <= markRST7: // they stand alone
			c, err = p.marker()
		case c == markSOS:
			scans++
			if err = p.segment(); err == nil {
				c, err = p.scan()
			}
		default:
			if err = p.segment(); err == nil {
				c, err = p.marker()
			}
		}
	}
	return err
}

// marker takes a marker and returns its code.
func (p *picture) marker() (byte, error) {
	c, err := p.peek()
	switch {
	case err != nil:
		return 0, err
	case c != mark:
		return 0, errDamaged
	}
	p.r++
	return p.code()
}

// code takes the rest of a marker: its code, and any fill bytes before it.
func (p *picture) code() (byte, error) {
	for {
		c, err := p.next()
		if err != nil {
			return 0, err
		}
		p.keep(mark)
		if c != mark {
			p.keep(c)
			return c, nil
		}
	}
}

// segment takes a segment: two bytes of length, which counts them, and its body.
func (p *picture) segment() error {
	high, err := p.next()
	if err != nil {
		return err
	}
	low, err := p.next()
	if err != nil {
		return err
	}
	n := int(high)<<8 | int(low)
	if n < 2 {
		return errDamaged
	}
	p.keep(high, low)
	for n -= 2; n > 0 && err == nil; {
		if err = p.fill(); err == nil {
			piece := p.buf[p.r:min(p.w, p.r+n)]
			p.r, n = p.r+len(piece), n-len(piece)
			p.keep(piece...)
		}
	}
	return err
}

// scan takes entropy-coded data and returns the code of the marker that ends it.
func (p *picture) scan() (byte, error) {
	for {
		if err := p.fill(); err != nil {
			return 0, err
		}
		piece := p.buf[p.r:p.w]
		end := bytes.IndexByte(piece, mark)
		if end < 0 {
			p.r = p.w
			p.keep(piece...)
			continue
		}
		p.r += end + 1
		p.keep(piece[:end]...)
		if c, err := p.code(); err != nil || c != 0 && (c < markRST0 || c > markRST7) {
			return c, err
		}
	}
}

// keep appends to the picture. Of one that exceeds the limit only the size is kept: to go on behind it, its end must be found.
func (p *picture) keep(b ...byte) {
	if p.size += int64(len(b)); !p.tooLarge() {
		p.jpeg = append(p.jpeg, b...)
	}
}

func (p *picture) tooLarge() bool { return p.size > int64(p.options.Limit) }
