// Package statedir finds the state directory, and explains errors in it.
package statedir

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Service is the state directory of camd.service.
const Service = "/var/lib/camd"

// Path returns the state directory: the configured one, otherwise the one that systemd has made for this process. It is "" if there is none.
func Path(configured string) string { return cmp.Or(configured, FromSystemd()) }

// OfService returns the state directory of camd.service, and "" if this machine has none. systemd passes it only to the service.
func OfService() string { return existing(Service) }

// existing returns dir if it is a directory or a link to one. With DynamicUser=, systemd makes it a link to a folder that only root can
// enter, so other users see the link alone.
func existing(dir string) string {
	info, err := os.Stat(dir)
	if err == nil && info.IsDir() || errors.Is(err, os.ErrPermission) {
		return dir
	}
	return ""
}

// FromSystemd returns the directory that systemd has made for this process by StateDirectory=: the first, if there are several.
func FromSystemd() string {
	if dirs := filepath.SplitList(os.Getenv("STATE_DIRECTORY")); len(dirs) > 0 {
		return dirs[0]
	}
	return ""
}

// Remedy returns a text that says what to do about an error in the state directory.
func Remedy(err error, dir string) string {
	const elsewhere = "set state_dir to a folder that camd may write to"
	switch {
	case errors.Is(err, unix.EROFS):
		return fmt.Sprintf("%s is on a read-only file system; mount it writable, or %s", dir, elsewhere)
	case errors.Is(err, os.ErrPermission):
		return fmt.Sprintf("the user that camd runs as must be able to read and write %s: sudo chown -R %d %[1]s && sudo chmod -R u+rwX %[1]s", dir, os.Geteuid())
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "the disk is full; free space on the file system of " + dir
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, os.ErrExist):
		return fmt.Sprintf("%s, or a folder above it, is a file; remove the file, or %s", dir, elsewhere)
	}
	return fmt.Sprintf("check %s, or %s", dir, elsewhere)
}
