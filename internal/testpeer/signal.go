package testpeer

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Signal sends a signal to one process. It refuses what the kernel takes for whole groups of them: 0, which a camera may have
// for its capture process for a moment, is the test's own.
func Signal(pid int, sig syscall.Signal) error {
	if pid <= 0 {
		return fmt.Errorf("%d is no process to send %v to", pid, sig)
	}
	return syscall.Kill(pid, sig)
}

// HoldUnreaped keeps a process from being reaped, whatever kills it, until release is called or the test ends. To its parent it
// looks like one that hangs inside the kernel. It must not be a child of the test, which would reap it all the same.
func HoldUnreaped(t testing.TB, pid int) (release func()) {
	t.Helper()
	held, done := make(chan error), make(chan struct{})
	var holding sync.WaitGroup
	holding.Go(func() {
		runtime.LockOSThread() // for good: the kernel lets go of the process when the thread that traces it ends
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
