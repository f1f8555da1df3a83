package fanout

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// send is send(2) without waiting. It does not tell the Go scheduler, which would otherwise take the processor away from
// a sender in the middle of its round: the call copies bytes and comes back.
func send(fd uintptr, b []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
			syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// writable reports whether a socket takes bytes, or has an error to tell.
func writable(fd uintptr) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(p, 0)
	return n > 0 || err != nil // the next send tells
}
