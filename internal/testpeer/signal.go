package testpeer

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Signal sends a signal to one process. It refuses IDs that the kernel takes for groups of processes. 0, which a camera may report as its
// capture process for a moment, is the group of the test.
func Signal(pid int, sig syscall.Signal) error {
	if pid <= 0 {
		return fmt.Errorf("%d is no process to send %v to", pid, sig)
	}
	return syscall.Kill(pid, sig)
}

// HoldUnreaped keeps a process from being reaped when it is killed, until release is called or the test ends. To its parent it looks like
// a process that hangs inside the kernel. It must not be a child of the test, which would reap it all the same.
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
