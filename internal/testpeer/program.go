package testpeer

import (
	"os"
	"os/exec"
	"testing"
)

// RequireProgram returns the path of a program that the test cannot do without. If it is not installed the test is skipped, or
// failed where the environment has CI; either way the message names the Debian package that has it.
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
