package config

import (
	goflag "flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = goflag.Bool("update", false, "write the documents that are generated from the code")

const referencePath = "../../docs/configuration.md"

// docs/configuration.md lists the keys that the code reads, with what the example says of each.
func TestReferenceIsUpToDate(t *testing.T) {
	text, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	want := reference(t, strings.Split(string(text), "\n"))
	if *update {
		if err := os.WriteFile(referencePath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePath)
	if err != nil || string(got) != want {
		t.Errorf("%s differs from the code and the example (%v); to write it, run go test ./pkg/config -run TestReferenceIsUpToDate -update", referencePath, err)
	}
}

const referenceHead = `# Configuration reference

This page lists every key. [The example](../deploy/camd.example.yaml) shows each key in its place. Both are checked against the code.

- Check a file: ` + "`camd check -c FILE`" + `. It reports every mistake with its line and column.
- Apply a change without a restart: [reload.md](reload.md).
- Values: durations are 10s, 1m30s or 500ms, picture sizes 1280x720, numbers of bytes 64KiB or 5MB.
- Paths are relative to the folder of the configuration file.
- ` + "`${NAME}`" + ` in a value is replaced by the environment variable NAME. Write ` + "`$${`" + ` for a plain ` + "`${`" + `.
`

func reference(t *testing.T, example []string) string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, p := range keyGroups() {
		title := p.name
		if title == "" {
			title = "Top level"
		}
		fmt.Fprintf(&b, "\n## %s\n\n| key | meaning |\n|---|---|\n", title)
		from := 0
		if p.name != "" {
			from = keyLine(t, example, 0, "", p.name) + 1
		}
		for _, key := range p.keys {
			words := keyDescription(example, keyLine(t, example, from, p.keys[0], key))
			if words == "" {
				t.Errorf("the example says nothing of %q in %q", key, p.name)
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", key, words)
		}
	}
	return b.String()
}

// keyLine is the number of the first line from one on that gives a key, in use or in a comment, as far right as the first key of
// its section.
func keyLine(t *testing.T, example []string, from int, first, key string) int {
	t.Helper()
	column := 0
	if first != "" && first != key {
		column = strings.Index(example[keyLine(t, example, from, "", first)], first+":")
	}
	gives := regexp.MustCompile(`(^[ #-]*|# or )` + key + `:( |$)`)
	for i := from; i < len(example); i++ {
		at := strings.Index(example[i], key+":")
		if gives.MatchString(example[i]) && (first == "" || first == key || at <= column+2 || strings.Contains(example[i], "# or "+key)) {
			return i
		}
	}
	t.Fatalf("key %q is not in the example from line %d on", key, from+1)
	return 0
}

// keyDescription is what the example says of the key in a line: beside it and, in the same column, below, or else above it.
func keyDescription(example []string, at int) string {
	beside := regexp.MustCompile(`^(.*?\S\s+|[ #]*)# (.*)$`)
	var words []string
	if m := beside.FindStringSubmatch(strings.Replace(example[at], "# ", "  ", strings.Count(indent(example[at]), "#"))); m != nil {
		words = append(words, m[2])
		column := strings.LastIndex(example[at], "# "+m[2])
		for i := at + 1; i < len(example) && strings.LastIndex(example[i], "# ") == column && !strings.Contains(example[i][:column], ":"); i++ {
			words = append(words, example[i][column+2:])
		}
	} else {
		first := at
		for first > 0 && strings.HasPrefix(strings.TrimLeft(example[first-1], " "), "# ") && !regexp.MustCompile(`^ *# *[a-z_]+: `).MatchString(example[first-1]) {
			first--
		}
		for _, l := range example[first:at] {
			words = append(words, strings.TrimPrefix(strings.TrimLeft(l, " "), "# "))
		}
	}
	return strings.ReplaceAll(strings.Join(words, " "), "|", `\|`)
}

// indent is what stands before a line's first letter.
func indent(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " #-"))] }
