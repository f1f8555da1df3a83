package testpeer

import (
	"os"
	"os/exec"
	"testing"
)

// RequireProgram returns the path of a program that the test needs. If it is not installed, the test is skipped, or fails if CI is set. The
// message names the Debian package of the program.
func RequireProgram(t testing.TB, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed; on Debian: apt-get install %s", program, debianPackage)
	}
	t.Skipf("%s is not installed; on Debian: apt-get install %s", program, debianPackage)
	return ""
}
