// Package rawcall makes system calls that return at once, without telling the Go scheduler about them.
//
// Before a usual system call in a process that was idle, the runtime wakes its monitoring thread, which then could take the processor away
// from a call that blocks. For a process that wakes 25 times a second to read a frame, that costs more than the calls. Calls on a
// non-blocking descriptor never block, so the scheduler need not know of them. But while that thread sleeps, nothing takes the processor away
// from a goroutine that never waits. So a reader that finds bytes each time it reads goes over to usual calls.
//
// The reader of [NewReader], [Writer] and [Conn] wait for their descriptor as package os and package net do: the runtime's poller wakes the goroutine, and
// deadlines and Close work as usual.
package rawcall

import (
	"io"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxRead bounds the bytes of one call, so that a call takes less than a tenth of a millisecond: until it returns, it delays the garbage
// collector.
const maxRead = 256 << 10

// File is what a Reader or a Writer uses: an *os.File or a connection of package net.
type File interface {
	io.ReadWriter
	syscall.Conn
}

// rawConn returns the descriptor of a file. It returns false for one that may block.
func rawConn(f File) (syscall.RawConn, bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, false
	}
	isNonBlocking := false
	err = raw.Control(func(fd uintptr) {
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		isNonBlocking = err == nil && flags&unix.O_NONBLOCK != 0
	})
	return raw, err == nil && isNonBlocking
}

// MonotonicNow returns the time of CLOCK_MONOTONIC in nanoseconds. The clock always exists.
func MonotonicNow() int64 {
	var now unix.Timespec
	_, _, _ = syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}
