package rawcall

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// reader reads from a descriptor. It is not safe for concurrent use.
type reader struct {
	raw   syscall.RawConn
	read  func(fd uintptr) bool // try; a method value for each call would allocate
	to    []byte
	n     int
	errno syscall.Errno

	hasWaited bool
	busyReads int // how many reads in a row found bytes without waiting
}

// maxBusyReads is how many reads in a row may find bytes without waiting before they become usual system calls. Those wake the monitoring
// thread, which takes the processor away from a peer that sends without end, and polls the descriptors of the others.
const maxBusyReads = 8

// NewReader returns a reader of a file, which the caller still has to close. It is not safe for concurrent use. If the file may block, it
// returns the file.
func NewReader(f File) io.Reader {
	raw, ok := rawConn(f)
	if !ok {
		return f
	}
	return newReader(raw)
}

func newReader(raw syscall.RawConn) *reader {
	r := &reader{raw: raw}
	r.read = r.try
	return r
}

// Read implements io.Reader. It waits until there are bytes.
func (r *reader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	r.to, r.n, r.errno, r.hasWaited = b[:min(len(b), maxRead)], 0, 0, false
	err := r.raw.Read(r.read)
	r.to = nil
	if r.busyReads++; r.hasWaited {
		r.busyReads = 0
	}
	switch {
	case err != nil:
		return 0, err
	case r.errno != 0:
		return 0, os.NewSyscallError("read", r.errno)
	case r.n == 0:
		return 0, io.EOF
	}
	return r.n, nil
}

// try reads once. It returns false if there are no bytes yet.
func (r *reader) try(fd uintptr) bool {
	for {
		n, errno := r.call(fd)
		switch errno {
		case 0:
			r.n = n
			return true
		case syscall.EAGAIN:
			r.hasWaited = true
			return false
		case syscall.EINTR:
		default:
			r.errno = errno
			return true
		}
	}
}

// call makes the system call.
func (r *reader) call(fd uintptr) (int, syscall.Errno) {
	to, size := unsafe.SliceData(r.to), uintptr(len(r.to))
	if r.busyReads >= maxBusyReads {
		n, _, errno := syscall.Syscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(to)), size)
		return int(n), errno
	}
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(to)), size)
	return int(n), errno
}

// Conn is a TCP connection that is read with raw calls. Only one goroutine at a time may call Read.
type Conn struct {
	*net.TCPConn
	reader *reader
}

// NewConn returns a connection that reads with raw calls. A connection of another type is returned as it is.
func NewConn(c net.Conn) net.Conn {
	plain, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, ok := rawConn(plain)
	if !ok {
		return c
	}
	return &Conn{plain, newReader(raw)}
}

// Read implements net.Conn. Its errors are those of a *net.TCPConn.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.reader.Read(b)
	if err == nil || err == io.EOF { //nolint:errorlint // reader returns it as it is
		return n, err
	}
	cause := err
	if e, ok := errors.AsType[*net.OpError](err); ok {
		cause = e.Err
	}
	return n, &net.OpError{Op: "read", Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: cause}
}
