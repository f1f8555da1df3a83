// Package nodump keeps a process' memory and environment, where passwords are, from the machine's other users and from its disk.
package nodump

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Enable makes this process one whose memory is dumped by no crash, and whose memory and /proc/PID/environ no process of the same
// user can read, only root (prctl(2), PR_SET_DUMPABLE). What it starts may not dump core either, and is its user's to read
// again: a process that executes another program is dumpable anew. The core's limit alone would not do: the kernel does not
// ask it where cores go to a program (core(5)).
func Enable() error {
	var errs []error
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("not to be dumped: %w", err))
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("limit core dumps: %w", err))
	}
	return errors.Join(errs...)
}
