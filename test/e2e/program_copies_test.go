package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"camd/internal/testrun"
)

// nobodyID is the user and group nobody.
const nobodyID = 65534

// programsForNobody returns a directory with both programs that every user can read. Permissions do not stop root, so for root it also returns
// the credential of the user nobody.
func programsForNobody(t *testing.T) (string, *syscall.Credential) {
	t.Helper()
	// Not t.TempDir, which only its owner can read.
	dir, err := os.MkdirTemp("", "camd-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"camd", "camd-capture"} {
		copyProgram(t, name, dir)
	}
	if os.Getuid() != 0 {
		return dir, nil
	}
	return dir, &syscall.Credential{Uid: nobodyID, Gid: nobodyID}
}

// copyProgram copies a built program into dir and returns its path.
func copyProgram(t testing.TB, name, dir string) string {
	t.Helper()
	b, err := os.ReadFile(testrun.Program(t, name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
