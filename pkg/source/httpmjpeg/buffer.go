package httpmjpeg

import (
	"io"
	"time"
)

// minRead is the smallest buffer, and what a buffer has beyond the limit on a picture.
const minRead = 64 << 10

// buffer holds the bytes of the body that were read and not yet processed. While a picture is kept, it also holds that picture from its
// start marker on. The body is read straight into it, so a picture is normally not copied.
type buffer struct {
	source io.Reader
	clock  func() time.Time
	limit  int // on the bytes of a picture

	beforeRead func() // called before each read of source

	bytes     []byte
	r, w      int   // bytes[r:w] was read from the source and not yet processed
	offset    int64 // of bytes[0] in the body
	start     int64 // offset of the picture in the body
	kept      bool  // bytes holds the picture
	arrivedAt time.Time
	err       error // of the source; returned when bytes[r:w] is empty
}

// keep begins a picture with the start marker of two bytes that was just read.
func (b *buffer) keep() { b.start, b.kept = b.offset+int64(b.r-2), true }

// release ends the picture. Its bytes may be overwritten from now on.
func (b *buffer) release() { b.kept = false }

// size returns how many bytes of the picture were read.
func (b *buffer) size() int64 { return b.offset + int64(b.r) - b.start }

func (b *buffer) isTooLarge() bool { return b.size() > int64(b.limit) }

// picture returns the bytes of the picture that were read.
func (b *buffer) picture() []byte {
	from := int(b.start - b.offset)
	return b.bytes[from:b.r:b.r]
}

// readByte takes a byte.
func (b *buffer) readByte() (byte, error) {
	c, err := b.peekByte()
	if err == nil {
		b.r++
	}
	return c, err
}

func (b *buffer) peekByte() (byte, error) {
	if err := b.fill(); err != nil {
		return 0, err
	}
	return b.bytes[b.r], nil
}

// fill reads from the source if bytes[r:w] is empty.
func (b *buffer) fill() error {
	for idle := 0; b.r == b.w; idle++ {
		if b.err != nil {
			return b.err
		}
		if idle == 100 {
			return io.ErrNoProgress
		}
		b.makeRoom()
		b.beforeRead()
		var n int
		n, b.err = b.source.Read(b.bytes[b.w:])
		b.w += n
		b.arrivedAt = b.clock()
	}
	return nil
}

// makeRoom makes room behind w. Once the picture exceeds the limit, makeRoom drops what was read of it: it must still be read to its end,
// to find the next one.
func (b *buffer) makeRoom() {
	if b.kept && b.isTooLarge() {
		b.kept = false
	}
	from := max(b.w-1, 0) // the last byte may be the first one of a start marker
	if b.kept {
		from = int(b.start - b.offset)
	}
	room := len(b.bytes)
	switch {
	case b.kept && b.w < room:
		return
	case room == 0:
		room = minRead
	case b.kept && from < room/2:
		room = min(2*room, b.limit+minRead)
	}
	b.move(from, room)
}

// move makes bytes[from] the first byte of a buffer of a size.
func (b *buffer) move(from, size int) {
	to := b.bytes
	if size > len(to) {
		to = make([]byte, size)
	}
	copy(to, b.bytes[from:b.w])
	b.bytes, b.offset, b.r, b.w = to, b.offset+int64(from), b.r-from, b.w-from
}
