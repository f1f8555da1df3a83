package testpeer

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Signal sends a signal to one process. It refuses IDs that mean groups of processes to the kernel. A camera may report 0 as its capture
// process for a moment, and 0 means the group of the test.
func Signal(pid int, sig syscall.Signal) error {
	if pid <= 0 {
		return fmt.Errorf("%d is no process to send %v to", pid, sig)
	}
	return syscall.Kill(pid, sig)
}

// HoldUnreaped keeps a killed process from being reaped until release is called or the test ends. To its parent it looks like a process that
// hangs in the kernel. It must not be a child of the test, because the test would reap it.
func HoldUnreaped(t testing.TB, pid int) (release func()) {
	t.Helper()
	held, done := make(chan error), make(chan struct{})
	var holding sync.WaitGroup
	holding.Go(func() {
		runtime.LockOSThread() // never unlocked: the kernel releases the process when the tracing thread ends
		err := unix.PtraceSeize(pid)
		held <- err
		if err == nil {
			<-done
		}
	})
	if err := <-held; err != nil {
		t.Fatalf("trace process %d: %v", pid, err)
	}
	release = sync.OnceFunc(func() { close(done); holding.Wait() })
	t.Cleanup(release)
	return release
}
