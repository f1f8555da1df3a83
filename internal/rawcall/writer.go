package rawcall

import (
	"os"
	"syscall"
	"unsafe"
)

// Writer writes to a descriptor. It is not safe for concurrent use.
type Writer struct {
	raw     syscall.RawConn
	write   func(fd uintptr) bool // try; a method value for each call would allocate
	a, b    []byte                // what is still to be written
	written int
	errno   syscall.Errno
}

// NewWriter returns a Writer to a file, which the caller still has to close. It returns false for a file that may block.
func NewWriter(f File) (*Writer, bool) {
	raw, ok := rawConn(f)
	if !ok {
		return nil, false
	}
	w := &Writer{raw: raw}
	w.write = w.try
	return w, true
}

// Write implements io.Writer.
func (w *Writer) Write(b []byte) (int, error) { return w.WriteBoth(b, nil) }

// WriteBoth writes a and then b, in one call if the file takes them at once. It returns how many bytes of both it has written.
func (w *Writer) WriteBoth(a, b []byte) (int, error) {
	w.a, w.b, w.written, w.errno = a, b, 0, 0
	err := w.raw.Write(w.write)
	w.a, w.b = nil, nil
	if err == nil && w.errno != 0 {
		err = os.NewSyscallError("write", w.errno)
	}
	return w.written, err
}

// try writes until all is written or writing fails. It returns false if the file takes nothing more now.
func (w *Writer) try(fd uintptr) bool {
	for len(w.a)+len(w.b) > 0 {
		parts := [2]syscall.Iovec{{Base: unsafe.SliceData(w.a)}, {Base: unsafe.SliceData(w.b)}}
		parts[0].SetLen(len(w.a))
		parts[1].SetLen(len(w.b))
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&parts)), uintptr(len(parts)))
		switch errno {
		case 0:
			w.advance(int(n))
		case syscall.EAGAIN:
			return false
		case syscall.EINTR:
		default:
			w.errno = errno
			return true
		}
	}
	return true
}

func (w *Writer) advance(n int) {
	w.written += n
	inA := min(n, len(w.a))
	w.a, w.b = w.a[inA:], w.b[n-inA:]
}
