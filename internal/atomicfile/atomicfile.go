// Package atomicfile replaces a file as a whole. After a power failure the file has either its old or its new content.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// Replace makes data the content of a file that only its owner may read. An existing file keeps its owner if the system allows that. When
// Replace returns nil, the content is on the disk.
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
	// The new name is on the disk only when the folder is synced.
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
