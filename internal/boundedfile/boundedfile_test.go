package boundedfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const limit = 1 << 20

func writeFile(t *testing.T, size int) (path string, content []byte) {
	t.Helper()
	path, content = filepath.Join(t.TempDir(), "file"), bytes.Repeat([]byte("x"), size)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content
}

func TestFileUpToTheLimitIsRead(t *testing.T) {
	for _, size := range []int{0, 1, limit} {
		path, content := writeFile(t, size)
		if got, err := Read(path, limit); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
}

func TestLargerFileIsAnError(t *testing.T) {
	path, _ := writeFile(t, limit+1)
	_, err := Read(path, limit)
	if _, ok := errors.AsType[*TooLargeError](err); !ok || err.Error() != path+" is larger than 1 MiB" {
		t.Errorf("got %v", err)
	}
}

func TestPipeIsAnErrorAndNotWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, limit); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("got %v", err)
	}
}

func TestMissingFileIsNotExist(t *testing.T) {
	if _, err := Read(filepath.Join(t.TempDir(), "none"), limit); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
