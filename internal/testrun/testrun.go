// Package testrun helps tests with programs and goroutines. It waits for conditions, collects the output of a program, and finds the
// built programs of camd.
package testrun

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Deadline is how long a test waits for anything. It only ends a test that hangs. It is long, because a test must pass on a busy machine.
const Deadline = 3 * time.Minute

// WaitFor polls isDone until it is true, and fails the test after Deadline.
func WaitFor(t testing.TB, what string, isDone func() bool) {
	t.Helper()
	for end := time.Now().Add(Deadline); !isDone(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", Deadline, what)
		}
	}
}

// Program returns the path of a built program, such as camd-capture. The program is in the folder of the environment variable CAMD_BIN, by
// default in bin of this repository. The folder of the test must be two levels below the repository.
func Program(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("CAMD_BIN")
	if dir == "" {
		dir = filepath.Join("..", "..", "bin")
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v; run make build", err)
	}
	return path
}

// Output collects what a running program prints. It is safe for concurrent use; the zero value is empty.
type Output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
