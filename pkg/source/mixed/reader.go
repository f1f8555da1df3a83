package mixed

import (
	"bytes"
	"errors"
	"io"
)

// DefaultLimit is the largest picture in bytes where Options say nothing.
const DefaultLimit = 8 << 20

// Loss is a picture that is left out.
type Loss struct {
	CutOff bool  // another one began inside of it
	Size   int64 // how many bytes came of it, if those were more than the limit; else 0
}

// Options are what a Reader needs.
type Options struct {
	Source io.Reader    // required
	Limit  int          // bytes of a picture; 0 means DefaultLimit
	Clock  func() int64 // tells when bytes arrive; nil leaves the time 0

	// Lost is called for each picture that is left out, and may be nil.
	Lost func(Loss)
}

// Reader reads one body. It is not for two goroutines.
type Reader struct {
	options Options
	buf     [64 << 10]byte
	r, w    int   // buf[r:w] has been read and not been looked at
	arrived int64 // when buf[r:w] came
	err     error // of the source, once buf is used up
	begun   bool  // the next picture's start marker was found inside a damaged one
	began   int64 // when the picture's first byte came
	damaged uint64
}

// New returns a Reader of a body's beginning.
func New(o Options) *Reader {
	if o.Limit == 0 {
		o.Limit = DefaultLimit
	}
	if o.Clock == nil {
		o.Clock = func() int64 { return 0 }
	}
	return &Reader{options: o}
}

// Damaged is how many beginnings of pictures had no proper end, or were larger than the limit.
func (r *Reader) Damaged() uint64 { return r.damaged }

// Next returns the next whole picture, in the memory of into where that is large enough, and when its first byte
// arrived: some servers send the frame of a part as soon as the part before it is complete, so that its own beginning
// says nothing. The error is the source's.
func (r *Reader) Next(into []byte) (jpeg []byte, began int64, err error) {
	for {
		if err := r.seek(); err != nil {
			return into[:0], 0, err
		}
		p := picture{Reader: r, jpeg: append(into[:0], mark, markSOI), size: 2}
		err := p.read()
		into = p.jpeg
		switch {
		case err == nil:
			return p.jpeg, r.began, nil
		case errors.Is(err, errDamaged) || p.tooLarge():
			r.lose(&p, errors.Is(err, errCutOff))
		}
		if !errors.Is(err, errDamaged) {
			return into[:0], 0, err
		}
	}
}

func (r *Reader) lose(p *picture, cutOff bool) {
	r.damaged++
	if r.options.Lost == nil {
		return
	}
	loss := Loss{CutOff: cutOff}
	if p.tooLarge() {
		loss.Size = p.size
	}
	r.options.Lost(loss)
}

// seek passes over what is no picture, and over the start marker. A marker always follows a start marker.
func (r *Reader) seek() error {
	if r.begun {
		r.begun = false
		return nil
	}
	for {
		if err := r.find(); err != nil {
			return err
		}
		began := r.arrived
		c, err := r.next()
		for err == nil && c == mark {
			began = r.arrived
			c, err = r.next()
		}
		if err == nil && c == markSOI {
			c, err = r.peek()
		} else if err == nil {
			continue
		}
		if err != nil {
			return err
		}
		if c == mark {
			r.began = began
			return nil
		}
	}
}

// find passes over everything up to a byte FF, and over that.
func (r *Reader) find() error {
	for {
		if err := r.fill(); err != nil {
			return err
		}
		if i := bytes.IndexByte(r.buf[r.r:r.w], mark); i >= 0 {
			r.r += i + 1
			return nil
		}
		r.r = r.w
	}
}

// next takes a byte.
func (r *Reader) next() (byte, error) {
	c, err := r.peek()
	if err == nil {
		r.r++
	}
	return c, err
}

func (r *Reader) peek() (byte, error) {
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
		r.arrived = r.options.Clock()
	}
	return nil
}
