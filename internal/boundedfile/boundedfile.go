// Package boundedfile reads regular files up to a size, so that a wrong path gives an error and neither blocks nor fills the memory.
package boundedfile

import (
	"fmt"
	"io"
	"os"
)

// TooLargeError says that a file is larger than the limit of its reader.
type TooLargeError struct {
	Path  string
	Limit int64 // bytes, a multiple of 1 MiB
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s is larger than %d MiB", e.Path, e.Limit>>20)
}

// Read returns the content of a regular file of at most limit bytes. Its error is a *TooLargeError if the file has more.
func Read(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path) // before Open, which would block at a pipe without a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &TooLargeError{path, limit}
	}
	return data, nil
}
