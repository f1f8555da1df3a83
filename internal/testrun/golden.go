package testrun

import (
	"os"
	"testing"
)

// CheckGolden compares a text that users see with the file at path. With update it writes the file instead.
func CheckGolden(t testing.TB, path, got string, update bool) {
	t.Helper()
	if update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the text differs from %s; if the change is right, run the tests of this package with -update\ngot:\n%s", path, got)
	}
}
