package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxFileSize bounds a configuration file, so that a wrong path (a video, a device) gives an error instead of a long wait.
const MaxFileSize = 1 << 20

// readAttempts is how often a file is read that changes meanwhile.
const readAttempts = 3

var errChanging = errors.New("the file changed while it was read; try again when it is written completely")

// Read returns the text of the file at path. A file that changes while it is read is an error: what was read may be a mixture of
// the old text and the new one.
func Read(path string) ([]byte, error) {
	err := errChanging
	for range readAttempts {
		var data []byte
		if data, err = readOnce(path); err == nil {
			return data, nil
		}
		if !errors.Is(err, errChanging) {
			break
		}
	}
	return nil, fmt.Errorf("read config: %w", err)
}

func readOnce(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readUnchanged(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

type readableFile interface {
	io.Reader
	io.ReaderAt
	Stat() (os.FileInfo, error)
}

// readUnchanged reads a regular file twice and compares. Anything else, such as a pipe, can be read only once.
func readUnchanged(f readableFile) ([]byte, error) {
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil || !before.Mode().IsRegular() {
		return data, err
	}
	again, err := io.ReadAll(io.NewSectionReader(f, 0, MaxFileSize+1))
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(data, again) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
		return nil, errChanging
	}
	return data, nil
}
