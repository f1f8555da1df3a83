package httpmjpeg

import (
	"bytes"
	"errors"
	"io"
	"time"
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
	Source   io.Reader        // the body; required
	MaxBytes int              // limit on the bytes of a picture; 0 means DefaultMaxBytes
	Clock    func() time.Time // returns the present time; nil means time.Now

	// OnSkip is called for each picture that is left out. It may be nil.
	OnSkip func(SkippedPicture)

	// OnExpect is called before each read of Source, with the bytes that are still missing to the picture's end, or 0 if that is unknown. It
	// is known while lengths that the server announces are right: see partLength. It may be nil.
	OnExpect func(missing int)
}

// Picture is a complete picture.
type Picture struct {
	JPEG      []byte    // valid until the next call of Next
	StartedAt time.Time // when its first byte arrived
	EndedAt   time.Time // when its last byte arrived
}

// Reader reads the pictures of one body. It is not safe for concurrent use.
type Reader struct {
	options Options
	buffer
	startFound bool      // the next picture's start marker was found inside a damaged picture
	startedAt  time.Time // when the picture's first byte came
	skipped    uint64
	partLength partLength
}

// New returns a Reader that begins at the present position of o.Source.
func New(o Options) *Reader {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	r := &Reader{options: o, buffer: buffer{source: o.Source, clock: o.Clock, limit: o.MaxBytes, beforeRead: func() {}}}
	if o.OnExpect != nil {
		r.beforeRead = func() { o.OnExpect(r.missing()) }
	}
	return r
}

// Reset makes the Reader read another body. It keeps its memory and the count of Skipped.
func (r *Reader) Reset(source io.Reader) {
	r.buffer = buffer{source: source, clock: r.clock, limit: r.limit, bytes: r.bytes, beforeRead: r.beforeRead}
	r.startFound, r.partLength = false, partLength{}
}

// Skipped returns how many pictures were left out because they were damaged or larger than the limit.
func (r *Reader) Skipped() uint64 { return r.skipped }

// Next returns the next complete picture. Its times are those of the picture and not of its part: some servers send the headers of a
// part right after the part before it. The error is that of Options.Source.
func (r *Reader) Next() (Picture, error) {
	r.release()
	for {
		if err := r.findStart(); err != nil {
			return Picture{}, err
		}
		err := r.parse()
		r.partLength.endPicture(r.size())
		switch {
		case err == nil:
			return Picture{r.picture(), r.startedAt, r.arrivedAt}, nil
		case errors.Is(err, errDamaged) || r.isTooLarge():
			r.reportSkipped(errors.Is(err, errTruncated))
		}
		if !errors.Is(err, errDamaged) {
			return Picture{}, err
		}
		r.release()
	}
}

func (r *Reader) reportSkipped(truncated bool) {
	r.skipped++
	if r.options.OnSkip == nil {
		return
	}
	skippedPicture := SkippedPicture{Truncated: truncated}
	if r.isTooLarge() {
		skippedPicture.Size = r.size()
	}
	r.options.OnSkip(skippedPicture)
}

// findStart skips everything up to the next start marker, and that marker. It only accepts a start marker that another marker follows, as
// in every JPEG.
func (r *Reader) findStart() error {
	if r.startFound {
		r.startFound = false
		r.keep()
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
		if err == nil && c != markSOI {
			continue
		}
		if err == nil {
			r.keep()
			c, err = r.peekByte()
		}
		if err != nil {
			return err
		}
		if c == markPrefix {
			r.startedAt = startedAt
			return nil
		}
		r.release()
	}
}

// skipToMarker skips everything up to the next byte FF, and that byte.
func (r *Reader) skipToMarker() error {
	for {
		if err := r.fill(); err != nil {
			return err
		}
		piece := r.bytes[r.r:r.w]
		i := bytes.IndexByte(piece, markPrefix)
		if i >= 0 {
			r.partLength.parse(piece[:i])
			r.r += i + 1
			return nil
		}
		r.partLength.parse(piece)
		r.r = r.w
	}
}

// missing returns how many bytes are still to be read up to the picture's end, or 0 if that is unknown.
func (r *Reader) missing() int {
	if !r.kept || !r.partLength.isTrusted {
		return 0
	}
	return int(max(r.partLength.announced-r.size(), 0))
}
