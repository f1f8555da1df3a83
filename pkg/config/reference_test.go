package config

import (
	"cmp"
	goflag "flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = goflag.Bool("update", false, "write the documents that are generated from the code")

const referencePath = "../../docs/configuration.md"

// docs/configuration.md lists the keys of the schema.
func TestReferenceIsUpToDate(t *testing.T) {
	want := reference()
	if *update {
		if err := os.WriteFile(referencePath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePath)
	if err != nil || string(got) != want {
		t.Errorf("%s differs from schema.json (%v); to write it, run go test ./pkg/config -run TestReferenceIsUpToDate -update", referencePath, err)
	}
}

const referenceHead = `# Configuration reference

This page lists every key. It is generated from the JSON Schema with which camd checks the file.
[The example](../deploy/camd.example.yaml) shows each key in its place.

- Check a file: ` + "`camd check -c FILE`" + `. It reports every mistake with its line and column.
- Complete and check keys while you write: begin the file with ` + "`# yaml-language-server: $schema=/usr/share/camd/camd.schema.json`" + `, for editors
  with the YAML language server. Without the Debian package, run ` + "`camd schema > camd.schema.json`" + ` and name that file.
- Apply a change without a restart: [reload.md](reload.md).
- Values: durations are 10s, 1m30s or 500ms, picture sizes 1280x720, numbers of bytes 64KiB or 5MB.
- Paths are relative to the folder of the configuration file.
- ` + "`${NAME}`" + ` in a value is replaced by the environment variable NAME. Write ` + "`$${`" + ` for a plain ` + "`${`" + `.
`

func reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, g := range keyGroups() {
		title := cmp.Or(g.path, "Top level")
		fmt.Fprintf(&b, "\n## %s\n\n| key | value | default | meaning |\n|---|---|---|---|\n", title)
		for _, p := range g.schema.Properties {
			value, _, _ := strings.Cut(strings.TrimPrefix(p.clause(), "must be "), "; ")
			meaning := p.Description
			if slices.Contains(g.schema.Required, p.key) {
				meaning = "Required. " + meaning
			}
			byDefault := strings.Trim(string(p.Default), `"`)
			if byDefault != "" {
				byDefault = "`" + byDefault + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.key, cell(value), byDefault, cell(meaning))
		}
	}
	return b.String()
}

// cell returns a text as a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
