package httpmjpeg

import (
	"bytes"
	"errors"
	"io"
)

// DefaultMaxBytes is the default of Options.MaxBytes.
const DefaultMaxBytes = 8 << 20

// SkippedPicture describes a picture that a Reader has left out.
type SkippedPicture struct {
	Truncated bool  // another picture began inside of it
	Size      int64 // how many bytes of it came if that is more than the limit; else 0
}

// Options are the options of a Reader.
type Options struct {
	Source   io.Reader    // the body; required
	MaxBytes int          // limit on the bytes of a picture; 0 means DefaultMaxBytes
	Clock    func() int64 // returns the present time; nil makes all times 0

	// OnSkip is called for each picture that is left out. It may be nil.
	OnSkip func(SkippedPicture)
}

// Reader reads the pictures of one body. It is not safe for concurrent use.
type Reader struct {
	options    Options
	buf        [64 << 10]byte
	r, w       int   // buf[r:w] was read from the source and not yet processed
	arrivedAt  int64 // when buf[r:w] came
	err        error // of the source; returned when buf[r:w] is empty
	startFound bool  // the next picture's start marker was found inside a damaged picture
	startedAt  int64 // when the picture's first byte came
	skipped    uint64
}

// New returns a Reader that begins at the present position of o.Source.
func New(o Options) *Reader {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Clock == nil {
		o.Clock = func() int64 { return 0 }
	}
	return &Reader{options: o}
}

// Skipped returns how many pictures were left out because they were damaged or larger than the limit.
func (r *Reader) Skipped() uint64 { return r.skipped }

// Next returns the next complete picture and the time when its first byte arrived, by Options.Clock. It uses the memory of into
// if that is large enough. The time is that of the picture and not of its part: some servers send the headers of a part right
// after the part before it. The error is that of Options.Source.
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

// findStart skips everything up to the next start marker, and that marker. It only accepts a start marker that another marker follows, as
// in every JPEG.
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

// skipToMarker skips everything up to the next byte FF, and that byte.
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

// fill reads from the source if buf[r:w] is empty.
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
