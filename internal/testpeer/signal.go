package testpeer

import (
	"errors"
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
		// A thread traces. It must not end: the kernel would kill each child that it has started with Pdeathsig, such as camd.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := unix.PtraceSeize(pid)
		held <- err
		if err == nil {
			<-done
			endTrace(pid)
		}
	})
	if err := <-held; err != nil {
		t.Fatalf("trace process %d: %v", pid, err)
	}
	release = sync.OnceFunc(func() { close(done); holding.Wait() })
	t.Cleanup(release)
	return release
}

// endTrace ends the tracing of a process, in the thread that traces it. A process that was killed can then be reaped by its parent.
func endTrace(pid int) {
	options := unix.WALL | unix.WNOHANG
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(pid, &status, options, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return
		case got == 0: // it runs, or is about to end
			_ = unix.PtraceInterrupt(pid)
			options = unix.WALL
		case status.Stopped():
			_ = unix.PtraceDetach(pid)
			return
		case status.Exited(), status.Signaled():
			return
		}
	}
}
