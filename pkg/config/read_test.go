package config

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// changingFile is a file that another program changes after it was read for the first time.
type changingFile struct {
	*os.File
	change func()
}

func (c *changingFile) Read(b []byte) (int, error) {
	n, err := c.File.Read(b)
	if err == io.EOF && c.change != nil {
		c.change()
		c.change = nil
	}
	return n, err
}

func TestReadRefusesFileThatChangesMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "camd.yaml")
	for name, change := range map[string]func() error{
		"truncated": func() error { return os.Truncate(path, 0) },
		"longer":    func() error { return os.WriteFile(path, []byte(oneCamera+"log: {}\n"), 0o600) },
		"other":     func() error { return os.WriteFile(path, []byte(oneCamera[:len(oneCamera)-1]+"#"), 0o600) },
		"touched":   func() error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) },
	} {
		writeFile(t, path, oneCamera)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		d := &changingFile{f, func() {
			if err := change(); err != nil {
				t.Error(err)
			}
		}}
		if data, err := readUnchanged(d); !errors.Is(err, errChanging) {
			t.Errorf("%s: got %q, %v, want %v", name, data, err, errChanging)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	writeFile(t, path, oneCamera)
	if data, err := Read(path); err != nil || string(data) != oneCamera {
		t.Errorf("a file that stays as it is: %q, %v", data, err)
	}
}

// Pipes, such as a shell's <(…), are read once.
func TestReadReadsPipeOnce(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString(oneCamera); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if data, err := Read("/proc/self/fd/" + strconv.Itoa(int(r.Fd()))); err != nil || string(data) != oneCamera {
		t.Errorf("%q, %v", data, err)
	}
}
