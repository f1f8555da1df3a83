// Package nodump protects the memory and environment of a process, because they hold passwords. Only root can read them, and no core dump
// contains them.
package nodump

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Enable protects this process (prctl(2), PR_SET_DUMPABLE). A crash does not dump its memory, and only root can read its memory and
// /proc/PID/environ.
//
// Enable also sets the limit on core dumps to 0. Child processes inherit the limit, but not PR_SET_DUMPABLE: executing another program makes
// a process readable for its own user again. The limit alone is not enough, because the kernel ignores it if core dumps go to a program
// (core(5)).
func Enable() error {
	var errs []error
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("disable dumps of the memory: %w", err))
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("limit core dumps: %w", err))
	}
	return errors.Join(errs...)
}
