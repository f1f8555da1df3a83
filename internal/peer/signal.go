package peer

import (
	"fmt"
	"syscall"
)

// Signal sends a signal to one process. It refuses what the kernel takes for whole groups of them: 0, which a camera may have
// for its capture process for a moment, is the test's own.
func Signal(pid int, sig syscall.Signal) error {
	if pid <= 0 {
		return fmt.Errorf("%d is no process to send %v to", pid, sig)
	}
	return syscall.Kill(pid, sig)
}
