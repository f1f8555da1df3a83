package fanout

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// send calls send(2) without waiting. It is a raw system call: the Go scheduler does not know of it and takes no processor away from the
// sender. That is safe because the call only copies bytes.
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

// writable reports whether a socket takes bytes or has an error.
func writable(fd uintptr) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(p, 0)
	return n > 0 || err != nil // the next send finds the error
}
