package logging

import (
	"fmt"
	"os"
	"sync"
)

// auditLoggerName is the name of the logger of the audit log.
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

// Reopen continues in the file that has the path now, because a log rotation may have renamed the old one. On an error it continues in
// the old file.
func (f *auditFile) Reopen() error {
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("log.audit: %w; camd must be able to write to that file and its folder", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		_ = f.file.Close() // writes to it had no buffer
	}
	f.file = file
	return nil
}

func (f *auditFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Write(p)
}

// Sync returns when everything is on the disk.
func (f *auditFile) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Sync()
}
