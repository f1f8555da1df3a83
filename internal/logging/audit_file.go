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
func (a *auditFile) Reopen() error {
	file, err := os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("log.audit: %w; camd must be able to write to that file and its folder", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file != nil {
		_ = a.file.Close() // nothing is lost, because writes are not buffered
	}
	a.file = file
	return nil
}

func (a *auditFile) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file.Write(p)
}

// Sync returns when everything is on the disk.
func (a *auditFile) Sync() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file.Sync()
}
