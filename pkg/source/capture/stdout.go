package capture

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// TakeStdout returns the standard output of the process for messages to camd, and redirects file descriptor 1 to standard error.
// OpenCV and FFmpeg print to descriptor 1, and a single word among the messages would break the protocol.
func TakeStdout() (*os.File, error) {
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("duplicate standard output: %w", err)
	}
	if err := unix.Dup3(2, 1, 0); err != nil {
		return nil, fmt.Errorf("redirect standard output: %w", err)
	}
	return os.NewFile(uintptr(fd), "messages"), nil
}
