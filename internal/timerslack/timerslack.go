// Package timerslack lets the kernel fire a process's timers a little late.
//
// While anything runs, Go's runtime looks every 20 µs whether a goroutine has held a processor for too long. In a program
// that wakes for each frame and works for milliseconds, these looks are most of its context switches. The kernel's timer
// slack (prctl(2), PR_SET_TIMERSLACK) thins them out; docs/performance.md has what that is worth.
package timerslack

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Recommended is a slack beyond which more saved no more.
const Recommended = time.Millisecond

// reexecEnv is in the environment of a process that has been started anew, so that this happens once even where the kernel
// forgets the slack.
const reexecEnv = "CAMD_TIMERSLACK_SET"

// init keeps main on the main thread until SetAtLeast: a signal that the process wanted at its parent's death (prctl(2),
// PR_SET_PDEATHSIG) is that thread's, and lost if another executes the program anew.
func init() { runtime.LockOSThread() }

// SetAtLeast gives this process, and all that it starts, a timer slack of at least d. A thread inherits the slack of the one
// that made it, and the runtime's have long been made: the program is executed anew, with the same process ID, arguments,
// environment and open files. So SetAtLeast belongs before anything is opened, on
// main's goroutine, once, and returns only if there was nothing to
// do (nil), or if it could not be done.
func SetAtLeast(d time.Duration) error {
	defer runtime.UnlockOSThread()
	reexecuted := os.Getenv(reexecEnv) != ""
	if err := os.Unsetenv(reexecEnv); err != nil {
		return err
	}
	current, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return fmt.Errorf("get timer slack: %w", err)
	}
	if reexecuted || time.Duration(current) >= d {
		return nil
	}
	self, err := os.Executable() // not /proc/self/exe, which would become the name that ps shows
	if err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(d), 0, 0, 0); err != nil {
		return fmt.Errorf("set timer slack: %w", err)
	}
	if err := unix.Exec(self, os.Args, append(os.Environ(), reexecEnv+"=1")); err != nil {
		return fmt.Errorf("start anew with timer slack: %w", err)
	}
	return nil
}
