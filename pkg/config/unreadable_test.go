package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The error for a file that its owner can read and the user of camd cannot says so.
func TestUnreadableFileNamesRemedy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "users"), nil, 0o000); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // who may read everything is somebody else on this thread
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := unix.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Setfsuid(0) }()
	}
	_, err := Parse(filepath.Join(dir, "camd.yaml"), []byte("auth: {users_file: users}"), env)
	if err == nil || !strings.Contains(err.Error(), "permission denied: the user that camd runs as must be able to read it") || strings.Contains(err.Error(), "hash-password") {
		t.Errorf("got %v", err)
	}
}
