package parts

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Carried is what camd's pages have in them that others wrote.
type Carried struct {
	Name, Version, Licence, Package string
	File                            string // the licence, in this repository
}

// InPages lists all that the pages carry.
var InPages = []Carried{{Name: "uPlot", Version: "1.6.32", Licence: "MIT", Package: "pkg:npm/uplot@1.6.32", File: "pkg/httpapi/web/uplot.LICENSE"}}

// Notice writes the licences of all that the programs are made of beside camd, each in full. It is called in the repository's
// folder.
func Notice(w io.Writer, programs []Program) error {
	modules, err := Together(programs)
	if err != nil {
		return err
	}
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "camd is built from the following. Each licence is quoted whole.")
	if err := quote(w, "The Go standard library, "+programs[0].Go, filepath.Join(strings.TrimSpace(string(root)), "LICENSE")); err != nil {
		return err
	}
	for _, c := range InPages {
		if err := quote(w, c.Name+" "+c.Version+", in the pages", c.File); err != nil {
			return err
		}
	}
	for _, m := range modules {
		files, err := LicenceFiles(m.Dir)
		if err != nil {
			return err
		}
		title := m.Path + " " + m.Version
		if perFile[m.Path] != "" {
			title += ", whose source, unchanged, go mod download " + m.Path + "@" + m.Version + " fetches"
		}
		if err := quote(w, title, files...); err != nil {
			return err
		}
	}
	return nil
}

func quote(w io.Writer, title string, files ...string) error {
	fmt.Fprintf(w, "\n%s\n%s\n\n", title, strings.Repeat("=", len(title)))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}
