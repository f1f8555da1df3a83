package logging

import (
	"fmt"
	"os"
	"sync"
)

// auditLoggerName is the audit log's logger.
const auditLoggerName = "audit"

// auditFile is a file of the audit log. Its methods are safe for concurrent use.
type auditFile struct {
	path string

	mu   sync.Mutex
	file *os.File
}

func openAuditFile(path string) (*auditFile, error) {
	f := &auditFile{path: path}
	return f, f.Reopen()
}

// Reopen goes on in the file that has the name now: that of before may have been renamed, to be kept or compressed. If that
// cannot be, it goes on in the file of before.
func (f *auditFile) Reopen() error {
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("log.audit: %w; camd must be able to write to that file and its folder", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		_ = f.file.Close() // it was written to without a buffer
	}
	f.file = file
	return nil
}

func (f *auditFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Write(p)
}

// Sync waits for the disk.
func (f *auditFile) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Sync()
}
