// Package timerslack lets the kernel fire a process's timers a little late, so that it fires several together (prctl(2),
// PR_SET_TIMERSLACK).
//
// While any goroutine runs, Go's runtime wakes every 20 µs to look for one that has held a processor for too long. In a program that wakes
// for each frame and works for milliseconds, this causes most context switches. docs/performance.md has the figures.
package timerslack

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Recommended is the slack that camd uses. A larger slack saved no more processor time.
const Recommended = time.Millisecond

// SetAtLeast gives all threads of this process a timer slack of at least d. Threads and processes that they start later inherit it.
// It fails with ENOTSUP in a program that uses cgo, whose threads Go does not know.
func SetAtLeast(d time.Duration) error {
	current, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return fmt.Errorf("get timer slack: %w", err)
	}
	if time.Duration(current) >= d {
		return nil
	}
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, uintptr(d), 0); errno != 0 {
		return fmt.Errorf("set timer slack: %w", errno)
	}
	return nil
}
