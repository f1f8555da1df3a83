package sbom

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// directModules returns the modules in go.mod that camd's own code uses, with their versions.
func directModules(t *testing.T) map[string]string {
	t.Helper()
	out, err := commandOutput("go", "mod", "edit", "-json", "../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Require []struct {
			Path, Version string
			Indirect      bool
		}
	}
	if err := json.Unmarshal(out, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, r := range file.Require {
		if !r.Indirect {
			all[r.Path] = r.Version
		}
	}
	return all
}

// modulePattern matches a module or a program of a module in a document, with its version if there is one.
var modulePattern = regexp.MustCompile("`([a-z0-9-]+(?:\\.[a-z0-9-]+)+/[^` ]+)`(?: (v[0-9][^ ,;:|)]*))?")

// docs/dependencies.md gives the reason for each module that go.mod requires directly, and names no other.
func TestDependenciesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	linked, run, ok := strings.Cut(string(text), "\n## Tools that are run, not linked\n")
	if !ok {
		t.Fatal("docs/dependencies.md has no heading for tools that are run, not linked")
	}
	want, documented := directModules(t), map[string]bool{}
	for _, m := range modulePattern.FindAllStringSubmatch(linked, -1) {
		path, version := m[1], m[2]
		documented[path] = true
		if in, ok := want[path]; !ok {
			t.Errorf("docs/dependencies.md names %s, which go.mod does not require", path)
		} else if version != "" && version != in {
			t.Errorf("docs/dependencies.md says %s %s, go.mod %s", path, version, in)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if !documented[path] {
			t.Errorf("docs/dependencies.md does not say what %s is for", path)
		}
	}
	scripts := scriptText(t)
	for _, m := range modulePattern.FindAllStringSubmatch(run, -1) {
		if !strings.Contains(scripts, m[1]) || !strings.Contains(scripts, m[2]) {
			t.Errorf("docs/dependencies.md lists %s@%s as a tool, but no script runs it", m[1], m[2])
		}
	}
}

// scriptText returns the text of the scripts, which run other programs.
func scriptText(t *testing.T) string {
	t.Helper()
	var all []byte
	for _, path := range []string{"../../Makefile", "../../deploy/deb/build", "../../internal/testpeer/pebble.go", "../../test/e2e/third_party_tools_test.go"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return string(all)
}
