package statedir

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"camd/internal/atomicfile"
)

// The remedy depends on the cause, even if that is wrapped several times.
func TestRemedyNamesTheCause(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inFile := atomicfile.Replace(filepath.Join(file, "x"), nil)
	for _, c := range []struct {
		err  error
		want string
	}{
		{unix.EROFS, "/state is on a read-only file system; mount it writable"},
		{unix.EACCES, "must be able to read and write /state: sudo chown -R"},
		{unix.EPERM, "must be able to read and write /state"},
		{unix.ENOSPC, "the disk is full; free space on the file system of /state"},
		{unix.EDQUOT, "the disk is full"},
		{inFile, "/state, or a folder above it, is a file"},
		{unix.EIO, "check /state, or set state_dir to a folder that camd may write to"},
	} {
		err := fmt.Errorf("keep: %w", &os.PathError{Op: "open", Path: "/state/x", Err: c.err})
		if got := Remedy(err, "/state"); !strings.Contains(got, c.want) {
			t.Errorf("%v: got %q, want %q in it", c.err, got, c.want)
		}
	}
}
