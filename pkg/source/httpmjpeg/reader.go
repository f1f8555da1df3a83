package httpmjpeg

import (
	"bytes"
	"errors"
	"io"
)

// DefaultMaxBytes is the largest picture in bytes where Options say nothing.
const DefaultMaxBytes = 8 << 20

// SkippedPicture is a picture that is left out.
type SkippedPicture struct {
	Truncated bool  // another one began inside of it
	Size      int64 // how many bytes came of it, if those were more than the limit; else 0
}

// Options are what a Reader needs.
type Options struct {
	Source   io.Reader    // required
	MaxBytes int          // bytes of a picture; 0 means DefaultMaxBytes
	Clock    func() int64 // tells when bytes arrive; nil leaves the time 0

	// OnSkip is called for each picture that is left out, and may be nil.
	OnSkip func(SkippedPicture)
}

// Reader reads one body. It is not for two goroutines.
type Reader struct {
	options    Options
	buf        [64 << 10]byte
	r, w       int   // buf[r:w] has been read and not been looked at
	arrivedAt  int64 // when buf[r:w] came
	err        error // of the source, once buf is used up
	startFound bool  // the next picture's start marker was found inside a damaged one
	startedAt  int64 // when the picture's first byte came
	skipped    uint64
}

// New returns a Reader of a body's beginning.
func New(o Options) *Reader {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Clock == nil {
		o.Clock = func() int64 { return 0 }
	}
	return &Reader{options: o}
}

// Skipped is how many beginnings of pictures had no proper end, or were larger than the limit.
func (r *Reader) Skipped() uint64 { return r.skipped }

// Next returns the next whole picture, in the memory of into where that is large enough, and when its first byte
// arrived: some servers send the frame of a part as soon as the part before it is complete, so that its own beginning
// says nothing. The error is the source's.
func (r *Reader) Next(into []byte) (jpeg []byte, startedAt int64, err error) {
	for {
		if err := r.findStart(); err != nil {
			return into[:0], 0, err
		}
		p := jpegParser{Reader: r, jpeg: append(into[:0], markPrefix, markSOI), size: 2}
		err := p.parse()
		into = p.jpeg
		switch {
		case err == nil:
			return p.jpeg, r.startedAt, nil
		case errors.Is(err, errDamaged) || p.isTooLarge():
			r.reportSkipped(&p, errors.Is(err, errTruncated))
		}
		if !errors.Is(err, errDamaged) {
			return into[:0], 0, err
		}
	}
}

func (r *Reader) reportSkipped(p *jpegParser, truncated bool) {
	r.skipped++
	if r.options.OnSkip == nil {
		return
	}
	skippedPicture := SkippedPicture{Truncated: truncated}
	if p.isTooLarge() {
		skippedPicture.Size = p.size
	}
	r.options.OnSkip(skippedPicture)
}

// findStart passes over what is no picture, and over the start marker. A marker always follows a start marker.
func (r *Reader) findStart() error {
	if r.startFound {
		r.startFound = false
		return nil
	}
	for {
		if err := r.skipToMarker(); err != nil {
			return err
		}
		startedAt := r.arrivedAt
		c, err := r.readByte()
		for err == nil && c == markPrefix {
			startedAt = r.arrivedAt
			c, err = r.readByte()
		}
		if err == nil && c == markSOI {
			c, err = r.peekByte()
		} else if err == nil {
			continue
		}
		if err != nil {
			return err
		}
		if c == markPrefix {
			r.startedAt = startedAt
			return nil
		}
	}
}

// skipToMarker passes over everything up to a byte FF, and over that.
func (r *Reader) skipToMarker() error {
	for {
		if err := r.fill(); err != nil {
			return err
		}
		if i := bytes.IndexByte(r.buf[r.r:r.w], markPrefix); i >= 0 {
			r.r += i + 1
			return nil
		}
		r.r = r.w
	}
}

// readByte takes a byte.
func (r *Reader) readByte() (byte, error) {
	c, err := r.peekByte()
	if err == nil {
		r.r++
	}
	return c, err
}

func (r *Reader) peekByte() (byte, error) {
	if err := r.fill(); err != nil {
		return 0, err
	}
	return r.buf[r.r], nil
}

// fill sees to it that there is something to look at.
func (r *Reader) fill() error {
	for idle := 0; r.r == r.w; idle++ {
		if r.err != nil {
			return r.err
		}
		if idle == 100 {
			return io.ErrNoProgress
		}
		r.r = 0
		r.w, r.err = r.options.Source.Read(r.buf[:])
		r.arrivedAt = r.options.Clock()
	}
	return nil
}
