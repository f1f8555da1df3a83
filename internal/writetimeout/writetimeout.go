// Package writetimeout writes to connections that may be slow. A write may take any time while bytes get through. It fails when too few
// bytes get through within the timeout.
package writetimeout

import (
	"errors"
	"io"
	"os"
	"time"
)

// defaultChunkSize keeps the number of calls small. With a timeout of ten seconds it needs a link of 6.4 KiB per second.
const defaultChunkSize = 64 << 10

// Conn is the part of a connection that a [Writer] needs. A net.Conn implements it. So does an http.ResponseWriter together with its
// http.ResponseController.
type Conn interface {
	io.Writer
	SetWriteDeadline(time.Time) error
}

// Writer writes to Conn. Each chunk has its own deadline, so only a side that has stalled misses it. Conn and Timeout are required.
//
// The deadline of the last chunk stays set. A caller that writes to Conn in other ways, or uses HTTP/2, clears it.
type Writer struct {
	Conn      Conn
	Timeout   time.Duration
	ChunkSize int // bytes that must get through within Timeout; 0 means 64 KiB

	// CanResume says that Conn can be written to after a deadline has passed. That is true for plain TCP, but not for TLS and HTTP. If it is
	// set, one byte within Timeout is enough, and ChunkSize is not used.
	CanResume bool
}

// Write returns when Conn has taken all of b. [IsExceeded] reports whether its error is a stall.
func (w Writer) Write(b []byte) (n int, err error) {
	size := w.ChunkSize
	switch {
	case w.CanResume:
		size = len(b)
	case size == 0:
		size = defaultChunkSize
	}
	for n < len(b) {
		if err := w.Conn.SetWriteDeadline(time.Now().Add(w.Timeout)); err != nil {
			return n, err
		}
		written, err := w.Conn.Write(b[n:min(n+size, len(b))])
		n += written
		isSlow := w.CanResume && written > 0 && IsExceeded(err)
		if err != nil && !isSlow {
			return n, err
		}
	}
	return n, nil
}

// IsExceeded reports whether a write failed because the other side took too little within the timeout.
func IsExceeded(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
