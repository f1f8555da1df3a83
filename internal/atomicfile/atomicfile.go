// Package atomicfile replaces files as a whole: a machine that loses power finds the old one or the new one.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// Replace makes data the content of a file that its owner alone may read: whose it was, if there was one and the system lets
// us. When it returns nil, that is on the disk.
func Replace(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { _ = f.Cleanup() }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil {
		// Only root can give a file away. The unit's system call filter ends a process that tries without being root.
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
			_ = f.Chown(int(owner.Uid), int(owner.Gid))
		}
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	// The new name is on the disk when the folder is.
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
